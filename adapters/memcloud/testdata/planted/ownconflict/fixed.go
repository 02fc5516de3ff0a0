package ownconflict

import "context"

// Fixed gives a name to a user, and tells the user.
func Fixed(ctx context.Context, s *Shop, name, user string) error {
	holder, err := s.Reserve(ctx, name, user)
	if err != nil {
		return err
	}
	if holder != "" && holder != user {
		return s.Say(ctx, user, "sorry")
	}
	return s.Say(ctx, user, "welcome")
}
