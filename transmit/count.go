package transmit

// Event is what statistics want to know beside the outcomes of Send.
type Event int

const (
	Shrunk       Event = iota // a profile was cut
	WaitInVain                // for a full queue
	Connected                 // to a listener
	Replayed                  // a profile was sent from the disk buffer
	WrittenLater              // a Pending profile is in the disk buffer
	LostLater                 // a Pending profile could not be written
)

var count = func(Event) {}

// OnEvent makes the package call f at every event, on any thread. To be called
// before the first Send; f must not block.
func OnEvent(f func(Event)) { count = f }
