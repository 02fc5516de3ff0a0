package lambdahost_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// One function handles events, and answers a user pool's questions.
func ExampleOptions_fallback() {
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship)

	h := lambdahost.Handler(r, &lambdahost.Options{
		Fallback: lambda.NewHandler(func(e events.CognitoEventUserPoolsPreSignup) (events.CognitoEventUserPoolsPreSignup, error) {
			fmt.Println("sign-up of", e.UserName)
			e.Response.AutoConfirmUser = true
			return e, nil
		}),
	})
	_, err := h.Invoke(context.Background(), []byte(`{"version":"1","triggerSource":"PreSignUp_SignUp","userName":"ada","request":{},"response":{}}`))
	fmt.Println(err)
	// Output:
	// sign-up of ada
	// <nil>
}
