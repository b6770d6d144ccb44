package tests

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemon is a listener in a process of its own, which can be stopped.
func daemon(t *testing.T, path string) *process {
	t.Helper()
	p := start(t, 60*time.Second, exec.Command(program(t, "listener"), path))
	p.line() // ready
	return p
}

// wedge stops the listener: its queue fills with the next datagrams.
func wedge(t *testing.T, p *process) {
	t.Helper()
	p.signal(syscall.SIGSTOP)
	until(t, 5*time.Second, "stopped", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid()) + "/stat")
		return err == nil && strings.Contains(string(stat), ") T ")
	})
}

// timely tells whether 100 sends to a wedged listener took as long as they may.
func timely(t *testing.T, answers []answer) bool {
	t.Helper()
	took := make([]time.Duration, len(answers))
	slow := 0
	for i, a := range answers {
		took[i] = a.took
		if a.took > time.Millisecond {
			slow++
		}
	}
	slices.Sort(took)
	n := len(took)
	t.Logf("100 sends: median %v, p95 %v, worst %v, %d over 1 ms", took[n/2], took[n*95/100], took[n-1], slow)
	return took[n-1] < 50*time.Millisecond && took[n/2] < time.Millisecond && slow <= 5
}

// inMemory is a buffer directory in memory, where there is one: some disks take a
// millisecond to create a file, and it is the listener that is on trial.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tx")
	if err != nil {
		return newScene(t).buffer
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A listener does not read: no call is late, and the profiles are on the disk. It is repeated once, for a busy machine.
func TestWedged_HoldsNobody(t *testing.T) {
	for range 2 {
		s := newScene(t)
		s.buffer = inMemory(t)
		p := daemon(t, s.socket)
		d := startDriver(t, s)
		wedge(t, p)
		d.load(padded(1000))
		answers := d.sends(100, 0, "-")
		queued := 0
		var f figures
		for i, a := range answers {
			f.count(a)
			if a.result == sent {
				queued++
			} else if !a.is(buffered) {
				t.Errorf("send %d: %+v", i, a)
			}
		}
		if queued == 0 || queued > 50 {
			t.Errorf("%d of 100 sent to a listener that does not read", queued)
		}
		d.settle()
		eachOnce(t, ids(t, s.profiles(t)...), 100-queued)

		p.signal(syscall.SIGCONT)
		for range queued {
			p.line()
		}
		a := d.send([]byte(`{"id":"next"}`))
		if f.count(a); a.result != sent {
			t.Errorf("after it went on: %+v", a)
		}
		if line := p.line(); !strings.Contains(line, `"next"`) {
			t.Errorf("it received %.100s", line)
		}
		if timely(t, answers) {
			f.report(t)
			return
		}
	}
	t.Error("too slow, twice")
}

// The old listener is wedged, and another one is bound to the path: the next profile goes to the new one.
func TestWedged_AndReplaced(t *testing.T) {
	s := newScene(t)
	old := daemon(t, s.socket)
	d := startDriver(t, s)
	wedge(t, old)
	d.load(padded(1000))
	if last := d.sends(30, 0, "-")[29]; !last.is(buffered) {
		t.Fatalf("its queue is not full: %+v", last)
	}
	l := listen(t, s.socket)
	if a := d.send([]byte(`{"id":"next"}`)); a.result != sent {
		t.Errorf("after it was replaced: %+v", a)
	}
	l.await(1)
}

// SO_SNDTIMEO is set, and the library does not rely on it: it waits with ppoll.
func TestWedged_SystemCalls(t *testing.T) {
	strace := need(t, "strace", "strace")
	s := newScene(t)
	p := daemon(t, s.socket)
	trace := s.dir + "/trace"
	d := startDriver(t, s, strace, "-f", "-qq", "-e", "trace=setsockopt,sendmsg,sendto,ppoll", "-o", trace)
	wedge(t, p)
	d.load(padded(1000))
	d.sends(20, 0, "-")
	d.exit()
	text := read(t, trace)
	for _, want := range []string{
		`SOL_SOCKET, SO_SNDTIMEO\w*, .*(tv_sec=0, tv_usec=50000|(\\0){8}P\\303)`,
		`send(msg|to)\(.*MSG_DONTWAIT.* = \d{4}`,
		`send(msg|to)\(.*MSG_DONTWAIT.* = -1 EAGAIN`,
		`ppoll\(\[\{fd=\d+, events=POLLOUT\}\], 1, \{tv_sec=0, tv_nsec=[23]\d{7}\}`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%.3000s", want, text)
		}
	}
	if n := strings.Count(text, "ppoll(["); n > 2 {
		t.Errorf("it waited %d times", n)
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "sendmsg(") && !strings.Contains(line, "MSG_DONTWAIT") {
			t.Errorf("may block: %s", line)
		}
	}
}

// Whatever is at the path instead of a listener, profiles go to the disk, and ten calls take 100 ms together at most.
func TestNoListener(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, path string)
		names string
	}{
		{"nothing there", func(*testing.T, string) {}, "no such file"},
		{"dead", func(t *testing.T, path string) { listen(t, path).close() }, "refused"},
		{"a stream socket", func(t *testing.T, path string) {
			stream, err := net.Listen("unix", path)
			check(t, err)
			t.Cleanup(func() { stream.Close() })
		}, "not a datagram socket"},
		{"a directory", func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o755)) }, "refused"},
		{"a file", func(t *testing.T, path string) { check(t, os.WriteFile(path, nil, 0o644)) }, "refused"},
		{"no directory", func(t *testing.T, path string) {}, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			if c.name == "no directory" {
				s.socket = s.dir + "/none/s"
			}
			c.make(t, s.socket)
			d := startDriver(t, s)
			f := falls(t, d, s, c.names)

			os.RemoveAll(s.socket)
			os.MkdirAll(s.dir+"/none", 0o755)
			l := listen(t, s.socket)
			a := d.send([]byte(`{"id":"next"}`))
			if f.count(a); a.result != sent {
				t.Errorf("after a listener came: %+v", a)
			}
			l.await(1)
			f.report(t)
		})
	}
}

// inAll is the most that ten sends may take together; see atOnce.
var inAll = map[bool]time.Duration{false: 100 * time.Millisecond, true: time.Second}[programs != ""]

// falls wants ten sends to end in the buffer, in less than inAll together.
func falls(t *testing.T, d *driver, s scene, names string) (f figures) {
	t.Helper()
	best := time.Hour
	for try := 0; try < 4 && best >= inAll; try++ { // a busy machine
		d.load(bytes.Replace(padded(1000), []byte("########"), fmt.Append(nil, try, "-########"), 1))
		var all time.Duration
		for i, a := range d.sends(10, 0, "-") {
			f.count(a)
			all += a.took
			if !a.is(buffered) || !strings.Contains(a.text, names) {
				t.Errorf("send %d: %+v, want result %d and %q", i, a, buffered, names)
			}
		}
		best = min(best, all)
	}
	if best >= inAll {
		t.Errorf("ten sends took %v", best)
	}
	d.settle()
	eachOnce(t, ids(t, s.profiles(t)...), f.buffered)
	return f
}

// The caller gets its result before the writer looks through the directory.
func TestNoListener_DoesNotWaitForTheDirectory(t *testing.T) {
	strace := need(t, "strace", "strace")
	s := newScene(t)
	check(t, os.Mkdir(s.buffer, 0o755))
	for n := range 1000 {
		s.write(t, fmt.Sprintf("b/profile_20260101_000000_%08x.json", n), `{"id":"old"}`)
	}
	trace := s.dir + "/trace"
	d := startDriver(t, s, strace, "-f", "-qq", "-e", "trace=renameat2,getdents64,futex", "-o", trace)
	d.load(padded(1000))
	if a := d.ask("send 1 %d 10000000 -", flagToDisk); a.result != buffered {
		t.Fatalf("%+v", a)
	}
	d.exit()
	// The user's own directory has few entries, and so has what an emulator reads at its start: neither is the buffer.
	before, after, found := strings.Cut(read(t, trace), `"profile_`)
	many := regexp.MustCompile(`/\* \d{3,} entries`)
	told, looked := strings.Index(after, "FUTEX_WAKE_PRIVATE, 2147483647"), many.FindStringIndex(after)
	if !found || many.MatchString(before) || told < 0 || looked == nil || looked[0] < told {
		t.Errorf("told at %d, looked at %v, in\n%.2000s\nafter\n%.2000s", told, looked, after, before)
	}
}

func TestNoListener_NoPermission(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	l := listen(t, s.socket)
	check(t, os.Chmod(s.socket, 0o600))
	d := driverOf(t, s, as(nobody, exec.Command(program(t, "driver"))))
	d.configure(s.settings(nil))
	f := falls(t, d, s, "permission denied")
	check(t, os.Chmod(s.socket, 0o666))
	a := d.send([]byte(`{"id":"next"}`))
	if f.count(a); a.result != sent {
		t.Errorf("after the permission came: %+v", a)
	}
	l.await(1)
	f.report(t)
}

func TestListener_PathLength(t *testing.T) {
	for _, c := range []struct {
		name         string
		length, want int
	}{
		{"as long as it may be", 107, sent},
		{"one more", 108, buffered},
		{"two more", 109, buffered},
		{"far more", 400, buffered},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.socket = s.dir + "/" + strings.Repeat("s", c.length-len(s.dir)-1)
			var l *listener
			if c.want == sent {
				l = listen(t, s.socket)
			}
			d := startDriver(t, s)
			a := d.send([]byte(`{"id":"1"}`))
			if !a.is(c.want) || c.want == buffered && !strings.Contains(a.text, "107") {
				t.Errorf("%+v, want result %d", a, c.want)
			}
			if l != nil {
				l.await(1)
			}
		})
	}
}

// A listener that was restarted gets the next profile, whether or not a call had noticed that it was away.
func TestListener_Restarted(t *testing.T) {
	for _, c := range []struct {
		name  string
		away  int // sends while it is
		flags uint32
	}{
		{"nobody noticed", 0, 0},
		{"one send failed", 1, 0},
		{"several failed", 3, 0},
		{"nobody noticed, trusted", 0, flagTrusted},
		{"several failed, trusted", 3, flagTrusted},
		{"one send failed, as is", 1, flagAsIs},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			d := startDriver(t, s)
			d.load(padded(1000))
			var f figures
			for round := range 3 {
				l := listen(t, s.socket)
				for _, a := range d.sends(2, c.flags, "-") {
					if f.count(a); a.result != sent {
						t.Errorf("round %d, listening: %+v", round, a)
					}
				}
				l.await(2)
				l.close()
				for _, a := range d.sends(c.away, c.flags, "-") {
					f.count(a)
					if !a.is(buffered) {
						t.Errorf("round %d, dead: %+v", round, a)
					}
				}
			}
			d.settle()
			if n := len(s.profiles(t)); n != 3*c.away {
				t.Errorf("%d files, want %d", n, 3*c.away)
			}
			f.report(t)
		})
	}
}
