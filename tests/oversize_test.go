package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
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

// A large profile arrives whole as a sealed memfd, in order with small ones, and neither side keeps a descriptor.
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

// A listener that does not support memfds sees an empty datagram and continues.
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

// senderSocket is a socket of the test's own, to send what the library never sends.
func senderSocket(t *testing.T) int {
	t.Helper()
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	t.Cleanup(func() { unix.Close(socket) })
	return socket
}

// A hostile sender passes descriptors of every kind. The receivers print nothing of them, wait for nothing, keep none,
// and receive the next profile.
func TestOversize_HostileDescriptors(t *testing.T) {
	for _, receiver := range receivers {
		t.Run(receiver.name, func(t *testing.T) {
			s := newScene(t)
			p := receiver.start(t, s.socket)
			p.line()
			socket := senderSocket(t)
			pass := func(text string, files ...int) {
				t.Helper()
				check(t, unix.Sendmsg(socket, []byte(text), unix.UnixRights(files...), &unix.SockaddrUnix{Name: s.socket}, 0))
			}
			sealed := memoryFile(t, "whole", unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
			hostile := hostileDescriptors(t, sealed, s.dir)
			before := 0
			for round := range 3 {
				for _, files := range hostile {
					pass("", files...)
				}
				pass("text", sealed)
				pass("", sealed)
				awaitLine(t, p, "whole")
				if after := descriptors(t, p); round == 0 {
					before = after
				} else if after > before {
					t.Errorf("%d descriptors, then %d", before, after)
				}
			}
			// It has no descriptor left: what came is refused, and the kernel has closed it.
			limit := unix.Rlimit{Cur: uint64(before), Max: uint64(before)}
			check(t, unix.Prlimit(p.pid(), unix.RLIMIT_NOFILE, &limit, nil))
			pass("", sealed, sealed, sealed)
			pass("small", []int{}...)
			awaitLine(t, p, "small")
		})
	}
}

// hostileDescriptors are those of which a listener must use none, by what is wrong with them.
func hostileDescriptors(t *testing.T, sealed int, folder string) map[string][]int {
	return map[string][]int{
		"unsealed":      {memoryFile(t, "secret", 0)},
		"may be cut":    {memoryFile(t, "secret", unix.F_SEAL_GROW|unix.F_SEAL_WRITE)},
		"a FIFO":        {pipe(t)},
		"a device":      {open(t, "/dev/zero")},
		"a file":        {open(t, os.Args[0])},
		"a folder":      {open(t, folder)},
		"two":           {sealed, sealed},
		"two, a device": {sealed, open(t, "/dev/zero")},
		"the most":      slices.Repeat([]int{sealed}, 253),
	}
}

// awaitLine reads the program's lines until want. All lines before it must be empty.
func awaitLine(t *testing.T, p *process, want string) {
	t.Helper()
	for line := p.line(); line != want; line = p.line() {
		if line != "" {
			t.Fatalf("%.100q", line)
		}
	}
}

// The receivers replace control characters, which a terminal would execute, and line feeds, which would forge another
// line.
func TestOversize_HostileText(t *testing.T) {
	const text = "{\"a\":\"\x1b]0;x\a\x9b\u202e\x7f\x00\"}\n\r{\"forged\":\t1}"
	const want = `{"a":"?]0;x???????"}  {"forged": 1}`
	for _, receiver := range receivers {
		t.Run(receiver.name, func(t *testing.T) {
			s := newScene(t)
			p := receiver.start(t, s.socket)
			p.line()
			socket := senderSocket(t)
			sealed := memoryFile(t, text, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
			check(t, unix.Sendmsg(socket, []byte(text), nil, &unix.SockaddrUnix{Name: s.socket}, 0))
			check(t, unix.Sendmsg(socket, nil, unix.UnixRights(sealed), &unix.SockaddrUnix{Name: s.socket}, 0))
			for _, how := range []string{"datagram", "memfd"} {
				if got := p.line(); got != want {
					t.Errorf("%s: %q", how, got)
				}
			}
		})
	}
}

func memoryFile(t *testing.T, text string, seals int) int {
	t.Helper()
	file, err := unix.MemfdCreate("test", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	check(t, err)
	t.Cleanup(func() { unix.Close(file) })
	_, err = unix.Write(file, []byte(text))
	check(t, err)
	_, err = unix.FcntlInt(uintptr(file), unix.F_ADD_SEALS, seals)
	check(t, err)
	return file
}

func pipe(t *testing.T) int {
	t.Helper()
	var ends [2]int
	check(t, unix.Pipe2(ends[:], unix.O_CLOEXEC))
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	return ends[0]
}

func open(t *testing.T, path string) int {
	t.Helper()
	file, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	check(t, err)
	t.Cleanup(func() { unix.Close(file) })
	return file
}
