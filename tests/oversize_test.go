package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The two example receivers, each in a process of its own.
var receivers = []struct {
	name  string
	start func(t *testing.T, path string) *process
}{
	{"C", func(t *testing.T, path string) *process {
		return start(t, 60*time.Second, exec.Command(program(t, "memfd"), path))
	}},
	{"Go", func(t *testing.T, path string) *process {
		check(t, buildReceiver())
		return start(t, 60*time.Second, exec.Command(stage+"/memfd-go", path))
	}},
}

var buildReceiver = sync.OnceValue(func() error {
	if out, err := exec.Command("go", "build", "-o", stage+"/memfd-go", "./memfd").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

func descriptors(t *testing.T, p *process) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
	check(t, err)
	return len(entries)
}

// "whole, as a sealed memfd": every byte arrives, in order with the small ones, and neither side keeps a descriptor.
func TestOversize_Memfd(t *testing.T) {
	for _, receiver := range receivers {
		t.Run(receiver.name, func(t *testing.T) {
			s := newScene(t)
			p := receiver.start(t, s.socket)
			p.line() // ready
			d := startDriver(t, s)
			d.configure(s.settings(map[string]any{"oversize": "memfd", "timeout_us": 1_000_000}))
			large, small := padded(10<<20), padded(1000)
			var atSender, atReceiver int
			for round := range 20 {
				for _, document := range [][]byte{large, small} {
					if a := d.send(document); a.result != sent {
						t.Fatalf("round %d: %+v", round, a)
					}
					got := []byte(p.line())
					if want := document[:len(document)-1]; !bytes.HasPrefix(got, want) || !bytes.Contains(got[len(want):], []byte(`"_meta"`)) {
						t.Fatalf("round %d: %d bytes arrived of %d, %.100s", round, len(got), len(document), got)
					}
				}
				if round == 0 {
					atSender, atReceiver = descriptors(t, d.process), descriptors(t, p)
				}
			}
			if a, b := descriptors(t, d.process), descriptors(t, p); a != atSender || b > atReceiver {
				t.Errorf("descriptors: sender %d, then %d; receiver %d, then %d", atSender, a, atReceiver, b)
			}
			p.kill()
			if a := d.send(large); !a.is(buffered) {
				t.Errorf("nobody there: %+v", a)
			}
			d.settle()
			if all := s.profiles(t); len(all) != 1 || len(all[0]) < len(large) {
				t.Errorf("%d files", len(all))
			}
		})
	}
}

// A listener that is not made for it sees an empty datagram, and lives on.
func TestOversize_ListenerWithoutMemfd(t *testing.T) {
	s := newScene(t)
	p := daemon(t, s.socket)
	before := descriptors(t, p)
	d := startDriver(t, s)
	d.configure(s.settings(map[string]any{"oversize": "memfd"}))
	for range 3 {
		if a := d.send(padded(100_000)); a.result != sent {
			t.Fatalf("%+v", a)
		}
		if line := p.line(); line != "" {
			t.Errorf("%.100q", line)
		}
	}
	if a := d.send([]byte(`{"id":"next"}`)); a.result != sent || !strings.Contains(p.line(), "next") {
		t.Errorf("%+v", a)
	}
	if after := descriptors(t, p); after != before {
		t.Errorf("the listener has %d descriptors, and had %d", after, before)
	}
}

// The receivers take no file that somebody could still change.
func TestOversize_UnsealedIsRefused(t *testing.T) {
	s := newScene(t)
	p := receivers[0].start(t, s.socket)
	p.line()
	file, err := os.Create(filepath.Join(s.dir, "f"))
	check(t, err)
	defer file.Close()
	memory, err := unix.MemfdCreate("unsealed", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	check(t, err)
	defer unix.Close(memory)
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(socket)
	for _, fd := range []int{memory, int(file.Fd())} {
		_, err := unix.Write(fd, []byte("{}"))
		check(t, err)
		check(t, unix.Sendmsg(socket, nil, unix.UnixRights(fd), &unix.SockaddrUnix{Name: s.socket}, 0))
	}
	if a, b := p.line(), p.line(); a != "" || b != "" {
		t.Errorf("%q, %q", a, b)
	}
}
