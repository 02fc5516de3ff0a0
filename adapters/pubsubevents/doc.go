// Package pubsubevents carries CloudEvents over gocloud's portable topics and
// subscriptions, whatever broker is behind them.
//
// # Publishing
//
// A Publisher sends events to a topic. [JSON] makes one of a type and data:
//
//	images := &pubsubevents.Publisher{Topic: topic, Source: "/thumbnailer"}
//
//	func (a *app) thumbnail(ctx context.Context, e eventfx.Event[object.Change]) error {
//		...
//		return images.Publish(ctx, pubsubevents.JSON("image.processed", Image{Key: e.Data.Key}))
//	}
//
// It gives the event what is missing: a source and a time, and, while a handler
// runs, where the event comes from:
//
//	correlationid   the flow: equal for everything that one first event caused
//	causationid     the id of the event that was being handled
//	id              the same when the handler runs again
//
// # Identity
//
// Delivery is at least once: a handler that published and then failed, or whose
// acknowledgement was lost, runs again and publishes again. Inside a handler the
// id of an event is therefore a hash of what caused it and of what it says, so
// that the second publication has the source and id of the first and a consumer
// can drop it. An event whose data differs from run to run (a clock reading, a
// random number) is another event each time: set its id, by what it is about.
//
// # Structured and binary
//
// In the structured mode, the default, the body is the whole event as JSON, and
// the metadata says so:
//
//	content-type: application/cloudevents+json
//	{"specversion":"1.0","id":"...","source":"/thumbnailer","type":"image.processed",...}
//
// In a binary mode the body is the data alone, and the attributes are metadata:
//
//	content-type: application/json     the data's
//	ce-id: ...                         Binary: percent-encoded, as over HTTP
//	ce_id: ...                         Kafka: as it is
//
// Filters of a broker see metadata only. To filter structured events, copy what
// matters in Publisher.Prepare; readers go by the body.
//
// # Reading
//
// [Decode] finds the event in a received message, by the first that applies:
//
//  1. content-type is application/cloudevents+json: the body is the event. A
//     batch, or another event format, is an error.
//  2. The metadata has all four of specversion, id, source and type, with ce-
//     or ce_ in front (capitals do not matter): the event is binary.
//  3. There is no content-type, or one of JSON, and the body is an object with
//     those four as strings and no key twice: the body is the event. Bridges
//     lose metadata.
//  4. Otherwise there is none: [ErrNoEvent].
//
// What is found is read strictly. An event that lacks an attribute, has one
// twice, or carries data beside data_base64 is an error, for two readers would
// read two events.
//
// # Ordering and delay
//
// Neither is an event's business. Origin.ID is the broker's name for a message
// where the driver has one; groups and receive counts are left to the host.
//
// # Local testing
//
// gocloud's mempubsub is a topic in memory; memcloud/portable gives one that
// counts deliveries and moves what fails to a dead-letter queue, as SQS does.
package pubsubevents
