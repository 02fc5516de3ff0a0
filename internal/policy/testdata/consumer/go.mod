module example.com/consumer

go 1.26.0

require (
	github.com/aws/aws-sdk-go-v2 v1.36.3
	github.com/aws/aws-sdk-go-v2/service/sqs v1.38.0
	github.com/eventfx/eventfx-go v0.0.0
)

replace github.com/eventfx/eventfx-go => ../../../..
