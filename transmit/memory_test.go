package transmit

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"libtransmit/transmit/profile"
)

// A copy is the same whether the kernel makes it or, where no descriptor is left, the
// library does; it keeps no descriptor, and it ends when time is up.
func TestCopyOf(t *testing.T) {
	for _, test := range []struct {
		name          string
		size          int
		noDescriptors bool
	}{
		{"small", 100, false},
		{"a spare block", smallBlock, false},
		{"under a megabyte", largeBlock - 1, false},
		{"a megabyte", largeBlock, false},
		{"no whole pages", 5<<20 + 1, false},
		{"no descriptor left", 5<<20 + 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := bytes.Repeat([]byte("0123456789a"), test.size/11+1)[:test.size]
			out := pieces{doc[:test.size/3], nil, doc[test.size/3:]}
			before := openDescriptors(t)
			if test.noDescriptors {
				limitDescriptors(t)
			}
			m := newMemory()
			text, err := m.copyOf(out, time.Now().Add(time.Minute))
			if err != nil || !bytes.Equal(text, doc) {
				t.Fatalf("%d bytes, %v", len(text), err)
			}
			m.free(text)
			text, err = m.copyOf(out, time.Now())
			if late := errors.Is(err, profile.ErrTimeUp); late != (test.size > alwaysRead) {
				t.Errorf("when time is up: %d bytes, %v", len(text), err)
			}
			if text != nil {
				m.free(text)
			}
			if test.noDescriptors {
				return // to look takes one
			}
			for range 20 {
				if text, err = m.copyOf(out, time.Now().Add(time.Minute)); err == nil {
					m.free(text)
				}
			}
			if after := openDescriptors(t); after > before+10 { // other tests' writers have some now and then
				t.Errorf("%d descriptors, %d before", after, before)
			}
		})
	}
}

// limitDescriptors lets nothing be opened until the test ends.
func limitDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) })
}
