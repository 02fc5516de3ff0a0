package ownconflict

import "context"

// Bug gives a name to a user, and tells the user.
func Bug(ctx context.Context, s *Shop, name, user string) error {
	holder, err := s.Reserve(ctx, name, user)
	if err != nil {
		return err
	}
	if holder != "" {
		return s.Say(ctx, user, "sorry")
	}
	return s.Say(ctx, user, "welcome")
}
