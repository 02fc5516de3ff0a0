// Package ownconflict gives names to users: first come, first served. The bug:
// when the answer to its own write is lost, the next try finds the name taken,
// by the very user who asks, and turns the user down.
//
// After aws/aws-sdk-java#2667: conditional writes that timed out had taken
// effect, and the retry met ConditionalCheckFailedException.
package ownconflict

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Shop is what the function works with.
type Shop struct {
	Names *memcloud.Table
	Mail  *memcloud.Table // user → what was said
}

// Reserve gives a name to a user, if it is free, and returns who had it
// before.
func (s *Shop) Reserve(ctx context.Context, name, user string) (holder string, err error) {
	err = s.Names.Transact(ctx, "reserve\x00"+name+"\x00"+user, func(x *memcloud.Tx) error {
		row, err := x.Get(memcloud.Item{"id": name})
		if err != nil {
			return err
		}
		if row != nil {
			holder = row["user"].(string)
			return nil
		}
		return x.Put(memcloud.Item{"id": name, "user": user})
	})
	return holder, err
}

// Say tells a user something.
func (s *Shop) Say(ctx context.Context, user, text string) error {
	return planted.Append(ctx, s.Mail, user, text)
}

// Scenario has three users ask for names, two of them for the same. Who has
// the name must be welcome, and who has none not.
func Scenario(handle func(ctx context.Context, s *Shop, name, user string) error) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s := &Shop{cloud.Table("names", nil), cloud.Table("mail", nil)}
		wishes := cloud.Queue("wishes", nil)
		cloud.Function("reserve", planted.Each(func(ctx context.Context, m events.SQSMessage) error {
			name, user, _ := strings.Cut(m.Body, " ")
			return handle(ctx, s, name, user)
		}), memcloud.Trigger(wishes, planted.Partial()))
		for _, wish := range []string{"neo anna", "trinity bert", "neo carl"} {
			wishes.Send(wish)
		}
		cloud.Settle()
		held := map[any]bool{}
		for _, row := range s.Names.Items() {
			held[row["user"]] = true
		}
		for _, user := range []string{"anna", "bert", "carl"} {
			want := "sorry"
			if held[user] {
				want = "welcome"
			}
			if said := planted.Firsts(s.Mail, user); len(said) != 1 || said[0] != want {
				t.Errorf("%s was told %q, want %q", user, said, want)
			}
		}
	}
}
