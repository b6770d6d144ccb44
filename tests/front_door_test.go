package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Loading the library starts no thread, and the first call is not late, with the host's other threads at work. It is
// repeated for a busy machine, or one that had to read the library from a slow disk.
func TestLoad_StartsNothing(t *testing.T) {
	wrong := loadTwice(t)
	for try := 1; try < 5 && wrong != ""; try++ {
		t.Log(wrong)
		wrong = loadTwice(t)
	}
	if wrong != "" {
		t.Error(wrong)
	}
}

// loadTwice loads the library, and again, and says what is wrong.
func loadTwice(t *testing.T) (wrong string) {
	t.Helper()
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 10*time.Second,
		exec.Command(program(t, "load"), filepath.Join(build, "libtransmit.so"), s.settings(nil)))

	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("loaded and loaded again, it says %q", out)
	}
	f := figures{sent: 2}
	for i, want := range []string{"1 thread before the first call", "still there after dlclose"} {
		var before, us, configured, result int
		_, err := fmt.Sscan(lines[i], &before, &us, &configured, &result)
		check(t, err)
		f.worst = max(f.worst, time.Duration(us)*time.Microsecond)
		if i == 0 && before != 1 || configured != 0 || result != sent || us >= 50_000 {
			wrong += fmt.Sprintf("%s: %d threads, %d µs, configure %d, send %d\n", want, before, us, configured, result)
		}
	}
	if wrong == "" {
		l.await(2)
		f.report(t)
	}
	return wrong
}

// The library is loaded when the process starts (LD_PRELOAD), as musl needs it.
func TestLoad_BeforeTheHostStarts(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	library := stage + "/build/libtransmit.so"
	out := ""
	for try := 0; try < 10 && (try == 0 || strings.Contains(out, fmt.Sprint(" ", eStarting))); try++ { // a busy machine
		l.close()
		l = listen(t, s.socket)
		cmd := exec.Command(program(t, "load"), library, s.settings(nil))
		cmd.Env = append(os.Environ(), "LD_PRELOAD="+library)
		out = succeed(t, 10*time.Second, cmd)
	}
	if !strings.HasPrefix(out, "1 ") {
		t.Errorf("threads before the first call: %s", out)
	}
	l.await(2)
}

// A call leaves errno, the signal mask, the cancel state and every handler as they were.
func TestCalls_LeaveTheHostAsItWas(t *testing.T) {
	s := newScene(t)
	listen(t, s.socket)
	succeed(t, 10*time.Second, exec.Command(program(t, "unchanged"), s.settings(nil)))
}

// While Go starts, another thread of the host installs a handler and sets a limit. Both stay: the start restores only what
// Go has changed. One process in thousands installs the handler between the library's look and its change.
func TestStart_UndoesNothingOfTheHost(t *testing.T) {
	out := succeed(t, 30*time.Second, exec.Command(program(t, "meanwhile"), "40"))
	var handlers, limits int
	if _, err := fmt.Sscan(out, &handlers, &limits); err != nil || handlers > 1 || limits > 0 {
		t.Errorf("handlers and limits that were undone: %s", out)
	}
}

func TestFault_IsTheHosts(t *testing.T) {
	s := newScene(t)
	listen(t, s.socket)
	for _, c := range []struct{ name, handler, want string }{
		{"host has a handler", "handler", "exit status 0"},
		{"default: death", "default", "signal: segmentation fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(program(t, "fault"), s.settings(nil), c.handler)
			if o := run(t, 10*time.Second, cmd); !strings.HasPrefix(o.state.String(), c.want) {
				t.Errorf("%v, want %s; it said %s", o.state, c.want, o.errors)
			}
		})
	}
}

// The caller's memory may be a file that another process truncates. Where Go reads it, the call says so; where C does, the
// host's handler leaves the call. Nothing is held after it.
func TestFault_InTheCallersMemory(t *testing.T) {
	want := ""
	for _, c := range []struct {
		name   string
		result any
	}{{"configure", ePanic}, {"settings", ePanic}, {"checked", ePanic}, {"trusted", "jumped"}, {"as-is", "jumped"},
		{"to-disk", ePanic}, {"no-wait", ePanic}, {"large", ePanic}} {
		want += fmt.Sprintln(c.name, c.result, buffered)
	}
	good := strings.Repeat(fmt.Sprintln("good", buffered, buffered), 5)
	for _, how := range []string{"bus", "segv"} {
		s := newScene(t)
		out := succeed(t, 20*time.Second, exec.Command(program(t, "unreadable"), s.settings(map[string]any{"timeout_us": 5000000}), how))
		if !strings.HasPrefix(out, want) || !strings.HasSuffix(out, good) || !strings.Contains(out, "cannot be read") {
			t.Errorf("%s: \n%swant\n%s…\n%s", how, out, want, good)
		}
		if n := len(s.profiles(t)); n != 5 {
			t.Errorf("%s: %d files, want 5", how, n)
		}
	}
}

// A host may close every descriptor that it does not know. Go's network poller must not have one of them, because the
// runtime would then end the process.
func TestDescriptors_NoPollerOfGo(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	// The runtime's own work for a heap that grows and shrinks is the temptation.
	for _, c := range []struct{ count, size int }{{20, 1_000_000}, {3000, 30_000}} {
		d.load(padded(c.size))
		for i, a := range d.sends(c.count, 0, "-") {
			if !a.is(buffered) {
				t.Fatalf("write %d of %d bytes: %+v", i, c.size, a)
			}
		}
	}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", d.pid()))
	check(t, err)
	if len(links) < 4 {
		t.Fatalf("only these descriptors: %v", links)
	}
	for _, link := range links {
		if target, _ := os.Readlink(link); strings.Contains(target, "event") {
			t.Errorf("%s is %s", link, target)
		}
	}
}

// The host closes the library's descriptors, and their numbers become files and sockets of the host. These get no byte
// and stay open.
func TestDescriptors_ClosedByTheHost(t *testing.T) {
	kinds := []struct {
		name         string
		kind, isFile int // the socket's number is the lowest, the directory's the next
	}{
		{"socket: a file, directory: a datagram socket", syscall.SOCK_DGRAM, 1},
		{"socket: a datagram socket, directory: a file", syscall.SOCK_DGRAM, 0},
		{"socket: a stream, directory: a file", syscall.SOCK_STREAM, 0},
		{"socket: a file, directory: a stream", syscall.SOCK_STREAM, 1},
		{"socket: a packet socket, directory: a file", syscall.SOCK_SEQPACKET, 0},
	}
	for _, c := range kinds {
		for how, flags := range map[string]uint32{"checked": 0, "trusted": flagTrusted, "as is": flagAsIs} {
			t.Run(c.name+", "+how, func(t *testing.T) { closedByTheHost(t, flags, c.kind, c.isFile) })
		}
	}
}

// closedByTheHost makes the first send after that with these flags.
func closedByTheHost(t *testing.T, first uint32, kind, isFile int) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	var f figures
	use := func(when string) {
		t.Helper()
		d.load(padded(100))
		for _, c := range []struct {
			flags uint32
			want  int
		}{{first, sent}, {0, sent}, {flagToDisk, buffered}} {
			a := d.sends(1, c.flags, "-")[0]
			f.count(a)
			if !a.is(c.want) {
				t.Errorf("%s, flags %d: %+v, want %d", when, c.flags, a, c.want)
			}
		}
	}
	use("before")
	d.tell("closefrom 3")
	d.ask("occupy %s/file %d %d", s.dir, kind, isFile)
	use("after closefrom")
	use("once more")
	if a := d.ask("occupied"); a.result != 0 {
		t.Errorf("%d bytes in the host's files and sockets (-1: closed)", a.result)
	}
	l.await(f.sent)
	d.settle()
	if n := len(s.profiles(t)); n != f.buffered {
		t.Errorf("%d files, want %d", n, f.buffered)
	}
	f.report(t)
}

// A cancelled thread finishes its call, whichever it is. If it ended during the start of Go, every other thread would wait
// for ever; if it ended while the process joins the shared counters, the process would never join them.
func TestCancel_FinishesTheCall(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	want := ""
	for _, first := range []int{eInval, eInval, sent, sent, sent, eNull, 0, 0} {
		want += fmt.Sprintf("%d 1\nshared\n", first)
	}
	want += fmt.Sprintf("%d 1\n0 %d\n%d 1\n%d 1\n", eInval, sent, sent, sent)
	out := succeed(t, 10*time.Second, exec.Command(program(t, "cancel"), s.settings(nil), s.socket))
	if out != want {
		t.Errorf("results and cancellations\n%swant\n%s", out, want)
	}
	l.await(6)
}

// A host that is stopped (SIGSTOP) continues where it was.
func TestStop_AndContinue(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	d.load(padded(100))
	d.tell("send 2000 0 0 -")
	d.signal(syscall.SIGSTOP)
	time.Sleep(100 * time.Millisecond)
	d.signal(syscall.SIGCONT)
	for range 2000 {
		if a := d.answer(); !a.is(buffered) {
			t.Fatalf("%+v", a)
		}
	}
	d.settle()
	eachOnce(t, ids(t, s.profiles(t)...), 2000)
}
