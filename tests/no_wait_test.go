package tests

import (
	"fmt"
	"testing"
)

const flagNoWait = 16

// A call that does not wait for the disk, by setting or by flag, returns TRANSMIT_PENDING, and the file is there soon.
// A call that only writes to the disk waits unless its own flag says otherwise.
func TestNoWait(t *testing.T) {
	for _, c := range []struct {
		wait  bool
		flags uint32
		want  int
	}{
		{true, 0, buffered},
		{true, flagToDisk, buffered},
		{true, flagNoWait, pending},
		{true, flagNoWait | flagToDisk, pending},
		{true, flagNoWait | flagTrusted, pending},
		{false, 0, pending},
		{false, flagAsIs, pending},
		{false, flagToDisk, buffered},
	} {
		t.Run(fmt.Sprintf("wait_for_disk %v, flags %d", c.wait, c.flags), func(t *testing.T) {
			poolFile(t)
			s := newScene(t)
			d := ordinaryDriver(t, s)
			d.configure(s.settings(map[string]any{"wait_for_disk": c.wait}))
			d.load([]byte(`{"id":"########"}`))
			const sends = 30
			for _, a := range d.sends(sends, c.flags, "-") {
				if !a.is(c.want) {
					t.Errorf("%+v, want %d", a, c.want)
				}
			}
			d.settle()
			if got := len(s.profiles(t)); got != sends {
				t.Errorf("%d files, want %d", got, sends)
			}
			if got := d.stats().Process; c.want == pending && (got.Pending != sends || got.WrittenLater != sends) {
				t.Errorf("%+v", got)
			}
		})
	}
}
