package tests

import (
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// metaTime is what differs between two sends of a document.
var metaTime = regexp.MustCompile(`"timestamp":\d+\.\d{6}\b|"id":"[0-9a-f]{16}"`)

// leaveToGo makes the library send all by Go, for the comparison: it gives up its
// own attempts in a process with more settings than door/send_target.c has room for.
func leaveToGo(d *driver) {
	d.t.Helper()
	for i := range 20 {
		d.configure(fmt.Sprintf(`{"php_version":"%d"}`, i))
	}
}

// A send without Go (door/try_send.c) gives the same as one with Go, at every size where something changes: no member,
// white space, one or two pieces, the limit.
func TestTrySend_SendsWhatGoSends(t *testing.T) {
	const joined, limit = 8192, 20000
	added := len(`,"_meta":{"timestamp":1700000000.123456,"php_version":"8.2.1","transmitter_version":"1.0","id":"0123456789abcdef"}`)
	documents := []string{`{}`, `{ }`, "\n{\"a\":1}\n", `{ "a":1}`, `{"a":1}`, `{"a":{}}`, `[{"a":1}]`, `{"`, `"}`}
	for _, size := range []int{joined, limit - added, limit} {
		for d := -1; d <= 2; d++ {
			documents = append(documents, `{"pad":"`+strings.Repeat("x", size+d-len(`{"pad":""}`))+`"}`)
		}
	}
	for _, flags := range []uint32{flagTrusted, flagAsIs} {
		s := newScene(t)
		l := listen(t, s.socket)
		fast, slow := startDriver(t, s), startDriver(t, s)
		leaveToGo(slow)
		for _, d := range []*driver{fast, slow} {
			d.configure(s.settings(map[string]any{"php_version": "8.2.1", "max_datagram_size": limit}))
		}
		for _, document := range documents {
			before := len(l.all())
			fast.load([]byte(document))
			slow.load([]byte(document))
			a, b := fast.ask("send 1 %d 0 -", flags), slow.ask("send 1 %d 0 -", flags)
			if a.result != b.result || a.text != b.text {
				t.Errorf("flags %d, %d bytes: %+v, and from Go %+v", flags, len(document), a, b)
			}
			if a.result != sent {
				continue
			}
			until(t, 5*time.Second, "both", func() bool { return len(l.all()) == before+2 })
			got, want := metaTime.ReplaceAllString(string(l.all()[before]), "T"), metaTime.ReplaceAllString(string(l.all()[before+1]), "T")
			if got != want || len(l.all()[before]) != len(l.all()[before+1]) {
				t.Errorf("flags %d: sent %.200q, and from Go %.200q", flags, got, want)
			}
		}
	}
}

// A send without Go makes two system calls, and none of those that enter Go. If there are more, the library has used
// Go, and the other tests of this file would show nothing.
func TestTrySend_SystemCalls(t *testing.T) {
	strace := need(t, "strace", "strace")
	s := newScene(t)
	l := listen(t, s.socket)
	trace := s.dir + "/trace"
	d := startDriver(t, s, strace, "-qq", "-o", trace)
	d.load([]byte(`{"id":"first"}`))
	d.sends(1, flagTrusted, "-")
	for _, c := range []struct {
		size  int
		flags uint32
		call  string
	}{{100, flagTrusted, "sendto"}, {20000, flagTrusted, "sendmsg"}, {100, flagAsIs, "sendto"}, {20000, flagAsIs, "sendto"}} {
		d.load(padded(c.size))
		d.sends(3, c.flags, "-")
		d.sends(3, c.flags, s.socket)
	}
	l.await(1 + 4*6)
	d.exit()
	text := read(t, trace)
	text = text[strings.LastIndex(text, "first"):]                     // its socket is kept
	text = text[:strings.LastIndex(text, "sendto(")+len("sendto(9, ")] // what comes later is the library's exit
	once := regexp.MustCompile(`(?m)^fcntl\((\d+), F_GETSIG\) .*\n(sendto|sendmsg)\((\d+), `)
	if n := len(once.FindAllString(text, -1)); n != 4*6 {
		t.Errorf("%d sends without Go, want %d, in\n%.5000s", n, 4*6, text)
	}
	if strings.Contains(text, "rt_sigprocmask(SIG_BLOCK, ~[") {
		t.Errorf("a call went into Go:\n%.5000s", text)
	}
}

// While the listener is away, a call looks for it once: it gives the profile to the writer without a second attempt in Go.
func TestTrySend_InAnOutage(t *testing.T) {
	s := newScene(t)
	listen(t, s.socket).close()
	trace := s.dir + "/trace"
	d := startDriver(t, s, need(t, "strace", "strace"), "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "-o", trace)
	d.load([]byte(`{"id":"########"}`))
	d.sends(1, flagTrusted, "-") // starts Go
	const sends = 40
	before := strings.Count(read(t, trace), s.socket)
	d.sends(sends, flagTrusted, "-")
	if n := strings.Count(read(t, trace), s.socket) - before; n < sends || n > sends*3/2 {
		t.Errorf("%d sends, %d times connect", sends, n)
	}
	l := listen(t, s.socket)
	until(t, 5*time.Second, "sent without Go", func() bool {
		return d.ask("try 1 %d %s", flagTrusted, s.socket).result == sent
	})
	l.await(1)
}

// A thread changes listener and php_version together while 8 others send: each
// profile arrives once, and with the version that goes with its listener.
func TestTrySend_WhileSettingsChange(t *testing.T) {
	one, other := newScene(t), newScene(t)
	versions := map[string]*listener{"one": listen(t, one.socket), "other": listen(t, other.socket)}
	settings := []string{one.settings(map[string]any{"php_version": "one"}), other.settings(map[string]any{"php_version": "other"})}
	out := succeed(t, 60*time.Second, exec.Command(program(t, "reconfigure"), append(settings, "3")...))
	var given, buffered, changes int
	_, err := fmt.Sscan(out, &given, &buffered, &changes)
	check(t, err)
	t.Logf("%d profiles, %d of them to the disk, %d changes", given, buffered, changes)
	if given < 1000 || changes < 100 {
		t.Error("too few to show anything")
	}
	all := append(one.profiles(t), other.profiles(t)...)
	until(t, 10*time.Second, "datagrams", func() bool {
		return len(versions["one"].all())+len(versions["other"].all()) == given-buffered
	})
	for version, l := range versions {
		for _, datagram := range l.all() {
			if !strings.Contains(string(datagram), `"php_version":"`+version+`"`) {
				t.Errorf("at the listener of %s: %.300q", version, datagram)
			}
			all = append(all, datagram)
		}
	}
	eachOnce(t, ids(t, all...), given)
}

// A path that the caller passes is another listener than the configured one, or the same.
func TestTrySend_OnlyToItsListener(t *testing.T) {
	s, other := newScene(t), newScene(t)
	l, o := listen(t, s.socket), listen(t, other.socket)
	d := startDriver(t, s)
	d.load([]byte(`{"id":"########"}`))
	for _, path := range []string{"-", s.socket, other.socket, other.socket, "-", s.socket} {
		for _, flags := range []uint32{flagTrusted, flagAsIs} {
			if a := d.sends(1, flags, path)[0]; a.result != sent {
				t.Errorf("to %s: %+v", path, a)
			}
		}
	}
	l.await(8)
	o.await(4)
}

// Arguments that the header does not allow are refused, and nothing has happened.
func TestTrySend_Refuses(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 10*time.Second, exec.Command(program(t, "try"), "refuse", s.socket))
	if strings.TrimSpace(out) != "0 0 0" {
		t.Errorf("not refused, descriptors, threads: %s", out)
	}
	if n := len(l.all()); n != 0 {
		t.Errorf("%d datagrams", n)
	}
}

// A process that has sent 1,000 profiles has no more threads than before, a few more pages, and one more descriptor: the
// socket.
func TestTrySend_StartsNothing(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 20*time.Second, exec.Command(program(t, "try"), "first", s.socket))
	var us, threads, memory, space, descriptors int
	_, err := fmt.Sscan(out, &us, &threads, &memory, &space, &descriptors)
	check(t, err)
	t.Logf("first send %d µs, private memory + %d kB, address space + %d kB", us, memory, space)
	if threads != 0 || descriptors != 1 || memory > 64 || space > 1024 {
		t.Errorf("µs, threads, private kB, kB of space, descriptors: %s", out)
	}
	eachOnce(t, ids(t, l.await(1000)...), 1000)
}

// Sixteen threads send no slower than one, and nothing is lost. The listener needs the same time for both. On a busy
// machine the best of several tries counts.
func TestTrySend_ManyThreads(t *testing.T) {
	best := math.Inf(1)
	for try := 0; try < 6 && best > 2; try++ {
		best = min(best, sendWithThreads(t, 16)/sendWithThreads(t, 1))
	}
	if best > 2 {
		t.Errorf("sixteen threads take %.1f times as long as one", best)
	}
}

// sendWithThreads returns the microseconds.
func sendWithThreads(t *testing.T, count int) (us float64) {
	t.Helper()
	const all = 16000
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 60*time.Second,
		exec.Command(program(t, "try"), "threads", s.socket, fmt.Sprint(count), fmt.Sprint(all/count)))
	var unsent int
	_, err := fmt.Sscan(out, &us, &unsent)
	check(t, err)
	eachOnce(t, ids(t, l.await(all)...), all)
	t.Logf("%d threads: %.0f µs, %d attempts with a full queue", count, us, unsent)
	return us
}

// Each generation of children sends with a socket of its own, whichever of its ancestors has sent.
func TestTrySend_ForksInEveryOrder(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	want := 0
	for _, order := range orders() {
		succeed(t, 20*time.Second, exec.Command(program(t, "try"), "fork", s.socket, order))
		want += len(order) + 1 + strings.Count(order, "1")
	}
	eachOnce(t, ids(t, l.await(want)...), want)
}

// Signal handlers send, threads send, and children are forked meanwhile.
func TestTrySend_AmidSignalsAndForks(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 60*time.Second, exec.Command(program(t, "try"), "storm", s.socket, "3"))
	var sentNow, children, byHandler int
	_, err := fmt.Sscan(out, &sentNow, &children, &byHandler)
	check(t, err)
	t.Logf("%d sent, %d of them by a handler, %d children", sentNow, byHandler, children)
	if byHandler < 50 || children < 10 {
		t.Error("too few to show anything")
	}
	eachOnce(t, ids(t, l.await(sentNow+children)...), sentNow+children)
}

// The listener is restarted, replaced or wedged: an attempt succeeds where that is possible, and never waits.
func TestTrySend_ListenerComesAndGoes(t *testing.T) {
	s := newScene(t)
	d := idleDriver(t, s)
	d.load([]byte(`{"id":"1"}`))
	attempt := func(when string, want int) {
		t.Helper()
		if a := d.ask("try 1 %d %s", flagAsIs, s.socket); a.result != want || a.took > 30*time.Millisecond {
			t.Errorf("%s: %+v, want %d", when, a, want)
		}
	}
	attempt("absent", eUnsent)
	l := listen(t, s.socket)
	attempt("there", sent)
	l.await(1)
	l.close()
	attempt("dead", eUnsent)
	l = listen(t, s.socket)
	attempt("restarted", sent)
	l.await(1)
	l.close()
	wedged := bindDeaf(t, s.socket)
	for i := 0; d.ask("try 1 %d %s", flagAsIs, s.socket).result == sent; i++ {
		if i > 2000 {
			t.Fatal("its queue is never full")
		}
	}
	attempt("full", eUnsent)
	wedged()
	l = listen(t, s.socket)
	attempt("another one in its place", sent)
	l.await(1)
	if n := len(threads(t, d.pid())); n != 1 {
		t.Errorf("%d threads", n)
	}
}

// bindDeaf binds a listener that reads nothing. What it returns takes its path away; the listener stays.
func bindDeaf(t *testing.T, path string) (moveAway func()) {
	t.Helper()
	os.Remove(path)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	return func() { os.Remove(path) }
}

// A host closes the socket, and its number becomes a connection of the host's, of each kind: that gets no byte.
func TestTrySend_LeavesAReusedDescriptorAlone(t *testing.T) {
	for _, kind := range []int{syscall.SOCK_DGRAM, syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		for _, fileFirst := range []int{0, 1} {
			s := newScene(t)
			l := listen(t, s.socket)
			d := idleDriver(t, s)
			d.load([]byte(`{"id":"1"}`))
			for _, step := range []func(){
				func() {},
				func() { d.tell("closefrom 3"); d.ask("occupy %s/file %d %d", s.dir, kind, fileFirst) },
				func() {},
			} {
				step()
				for _, flags := range []uint32{flagTrusted, flagAsIs} {
					if a := d.ask("try 1 %d %s", flags, s.socket); a.result != sent {
						t.Errorf("kind %d, flags %d: %+v", kind, flags, a)
					}
				}
			}
			if a := d.ask("occupied"); a.result != 0 {
				t.Errorf("kind %d: %d bytes in the host's files and sockets (-1: closed)", kind, a.result)
			}
			l.await(6)
		}
	}
}
