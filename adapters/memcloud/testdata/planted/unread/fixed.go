package unread

import "github.com/eventfx/eventfx-go/adapters/memcloud"

// Fixed deploys the function.
func Fixed(cloud *memcloud.Cloud, s *Shop, incoming *memcloud.Queue) {
	mapping := &memcloud.Mapping{BatchSize: 10, ReportBatchItemFailures: true}
	cloud.Function("store", s.Handler(), memcloud.Trigger(incoming, mapping))
}
