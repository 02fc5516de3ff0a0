// Package pipeline is the work of the image pipeline: what is done for a
// picture that was stored, for a new row, and for an order. It is what a user
// of eventfx writes; of eventfx it knows the types of events, of the cloud the
// portable types of gocloud.dev, and so it runs wherever those do.
//
// # Pictures
//
// [App.Thumbnail] handles a new object below photos/:
//
//	photos/harbour at night.jpg
//
// It writes a thumbnail, a row, and publishes an event of type image.processed:
//
//	thumbnails/harbour at night.jpg/0055AED6DCD90281E5.jpg
//
// Its handlers may be called twice for one event, out of order and side by
// side. What is left is one row and one thumbnail for each picture, those of
// its latest upload. The event is published at least once for each upload that
// made it into the table, and has the same id each time.
//
// # Failures
//
// An error of type [Rejected] says that the input is at fault: the file is no
// picture, is cut off, or has too many pixels. Trying again cannot help. Every
// other error is of the world around, and worth another try.
//
// # Mail and prints
//
// [App.Notify] handles a new row: it writes to the owner, as named by the
// object's metadata. [App.Print] handles an [Order]: it writes a job for the
// printer, or fails with [ErrNotReady] as long as there is no such picture.
package pipeline
