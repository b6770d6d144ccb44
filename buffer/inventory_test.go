package buffer

import (
	"fmt"
	"testing"
)

func TestInventory_KnowsTheOldest(t *testing.T) {
	const room = 100
	for _, files := range []int{room - 1, room, room + 1, 2*room - 1, 2 * room, 2*room + 1, 10_007} {
		v := inventory{room: room}
		for i := range files { // every mtime once, in a scattered order
			v.found([]byte(fmt.Sprint(i)), 3, int64(i*7919%files))
		}
		v.sort()
		if v.files != int64(files) || v.bytes != 3*v.files {
			t.Errorf("%d files: %d files of %d bytes", files, v.files, v.bytes)
		}
		for want := range min(files, room) {
			if p := v.takeOldest(); p.mtime != int64(want) {
				t.Fatalf("%d files: mtime %d, want %d", files, p.mtime, want)
			}
		}
	}
}
