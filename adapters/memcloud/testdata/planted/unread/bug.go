package unread

import "github.com/eventfx/eventfx-go/adapters/memcloud"

// Bug deploys the function.
func Bug(cloud *memcloud.Cloud, s *Shop, incoming *memcloud.Queue) {
	mapping := &memcloud.Mapping{BatchSize: 10}
	cloud.Function("store", s.Handler(), memcloud.Trigger(incoming, mapping))
}
