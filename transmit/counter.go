package transmit

// Counter names what the statistics count in addition to the outcomes of Send. door/results.h has the same counters in the same
// order; export.go holds them together.
type Counter int

const (
	Shrunk       Counter = iota // a profile was shrunk to fit one datagram
	WaitTimedOut                // a wait for room in a listener's full queue timed out
	Connected                   // a socket was connected to a listener
	Replayed                    // a profile was sent from the disk buffer
	WrittenLater                // a Pending profile is in the disk buffer
	LostLater                   // a Pending profile could not be written

	Counters // how many there are
)

var count = func(Counter) {}

// OnCount makes the package call f whenever a counter goes up by one, on any thread.
// Call it before the first Send. f must not block.
func OnCount(f func(Counter)) { count = f }
