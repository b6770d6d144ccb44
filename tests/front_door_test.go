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

// P2, and P9 for the host's other threads: loading is free, the first call is not late.
func TestLoad_StartsNothing(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 10*time.Second,
		exec.Command(program(t, "load"), filepath.Join(build, "libtransmit.so"), s.settings(nil)))

	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("loaded and loaded again, it says %q", out)
	}
	for i, want := range []string{"1 thread before the first call", "still there after dlclose"} {
		var before, us, configured, result int
		_, err := fmt.Sscan(lines[i], &before, &us, &configured, &result)
		check(t, err)
		if i == 0 && before != 1 || configured != 0 || result != sent || us >= 50_000 {
			t.Errorf("%s: %d threads, %d µs, configure %d, send %d", want, before, us, configured, result)
		}
	}
	l.await(2)
}

// P9: errno, the signal mask, the cancel state and every handler are the host's.
func TestCalls_LeaveTheHostAsItWas(t *testing.T) {
	s := newScene(t)
	listen(t, s.socket)
	succeed(t, 10*time.Second, exec.Command(program(t, "unchanged"), s.settings(nil)))
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

// P9 under limits: Go would abort the host where it lacks threads or memory.
func TestStart_WithoutResources(t *testing.T) {
	for _, c := range []struct {
		name, limit string
	}{
		{"no threads", "nproc 1"},
		{"no address space", "as 300000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			cmd := exec.Command(program(t, "driver"))
			if os.Geteuid() == 0 { // for whom RLIMIT_NPROC does not count
				cmd = as(nobody, cmd)
			}
			d := driverOf(t, s, cmd)
			d.ask("limit %s", c.limit)
			if a := d.send([]byte(`{"id":"1"}`)); a.result != eResource || a.took >= 50*time.Millisecond {
				t.Errorf("with the limit: %+v, want result %d", a, eResource)
			}
			d.ask("limit %s -1", strings.Fields(c.limit)[0])
			d.configure(s.settings(nil))
			if a := d.send([]byte(`{"id":"2"}`)); a.result != sent {
				t.Errorf("after the limit was raised: %+v", a)
			}
			l.await(1)
		})
	}
}

// A host may close every descriptor that it does not know. Go's network poller
// must not be among them: the runtime ends the process when that goes.
func TestDescriptors_NoPollerOfGo(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	// The runtime's own work for a heap that grows and shrinks is the temptation.
	for _, c := range []struct{ count, size int }{{20, 1_000_000}, {3000, 30_000}} {
		d.load(padded(c.size))
		for i, a := range d.sends(c.count, 0, "-") {
			if a.result != buffered {
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

// The library's descriptors are closed behind its back, and their numbers become
// a file and a socket of the host: those get not one byte.
func TestDescriptors_ClosedByTheHost(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	use := func(when string) {
		t.Helper()
		d.load(padded(100))
		for _, c := range []struct{ flags, want int }{{0, sent}, {flagToDisk, buffered}} {
			if a := d.sends(1, uint32(c.flags), "-")[0]; a.result != c.want {
				t.Errorf("%s, flags %d: %+v, want %d", when, c.flags, a, c.want)
			}
		}
	}
	use("before")
	d.tell("closefrom 3")
	d.ask("occupy %s/file", s.dir)
	use("after closefrom")
	use("once more")
	if a := d.ask("occupied"); a.result != 0 {
		t.Errorf("%d bytes in the host's files and sockets (-1: closed)", a.result)
	}
	l.await(3)
	if n := len(s.profiles(t)); n != 3 {
		t.Errorf("%d files, want 3", n)
	}
}

// A cancelled thread finishes its call: ended in the midst of the start it would
// leave every other thread waiting.
func TestCancel_FinishesTheCall(t *testing.T) {
	s := newScene(t)
	out := succeed(t, 10*time.Second, exec.Command(program(t, "cancel"), s.settings(nil)))
	var first, second, cancelled int
	_, err := fmt.Sscan(out, &first, &second, &cancelled)
	check(t, err)
	if first != eInval || second != 0 || cancelled != 1 {
		t.Errorf("first call %d, second %d, cancelled %d", first, second, cancelled)
	}
}

// A stopped host goes on where it was.
func TestStop_AndContinue(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	d.load(padded(100))
	d.tell("send 2000 0 0 -")
	d.signal(syscall.SIGSTOP)
	time.Sleep(100 * time.Millisecond)
	d.signal(syscall.SIGCONT)
	for range 2000 {
		if a := d.answer(); a.result != buffered && a.result != pending {
			t.Fatalf("%+v", a)
		}
	}
	d.ask("flush 5000000")
	eachOnce(t, ids(t, s.profiles(t)...), 2000)
}

// Bad input of every kind: its own code, nothing sent, nothing written.
func TestBadInput(t *testing.T) {
	nested := func(depth int) string { // the object counts as one
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
	}
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	for _, c := range []struct {
		name, document string
		want           int
	}{
		{"empty", "", eEmpty},
		{"white space", " \n", eSyntax},
		{"cut off", `{"a":1`, eSyntax},
		{"something after", `{"a":1}x`, eSyntax},
		{"two documents", `{}{}`, eSyntax},
		{"comma at the end", `{"a":1,}`, eSyntax},
		{"single quotes", `{'a':1}`, eSyntax},
		{"number", `{"a":01}`, eSyntax},
		{"NaN", `{"a":NaN}`, eSyntax},
		{"escape", `{"a":"\x"}`, eSyntax},
		{"control character", "{\"a\":\"\n\"}", eSyntax},
		{"NUL", "{\"a\":1}\x00", eSyntax},
		{"byte order mark", "\ufeff{}", eSyntax},
		{"list", `[1]`, eNotObject},
		{"string", `"a"`, eNotObject},
		{"number alone", `1`, eNotObject},
		{"null", `null`, eNotObject},
		{"513 levels", nested(513), eDepth},
		{"a million levels", strings.Repeat(`{"a":`, 1_000_000), eDepth},
		{"UTF-8", "{\"a\":\"\xff\"}", eUTF8},
		{"UTF-8 cut off", "{\"a\":\"\xc3\"}", eUTF8},
		{"UTF-8 surrogate", "{\"a\":\"\xed\xa0\x80\"}", eUTF8},
		{"UTF-8 in a name", "{\"\xc0\x80\":1}", eUTF8},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.load([]byte(c.document))
			for _, verb := range []string{"plain", "configure"} {
				a := d.ask("%s", verb)
				if a.result != c.want || a.text == "" {
					t.Errorf("%s: %+v, want result %d and a text", verb, a, c.want)
				}
			}
		})
	}
	if a := d.send([]byte(nested(512))); a.result != sent {
		t.Errorf("512 levels: %+v", a)
	}
	l.await(1)
	if len(s.profiles(t)) != 0 {
		t.Error("something was written")
	}
}

func TestBadInput_Arguments(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	for _, c := range []struct {
		name, prepare, call string
		want                int
	}{
		{"NULL", "null", "plain", eNull},
		{"NULL settings", "null", "configure", eNull},
		{"one byte over 64 MiB", "length 67108865", "plain", eTooBig},
		{"SIZE_MAX", "length 18446744073709551615", "plain", eTooBig},
		{"length 0", "length 0", "plain", eEmpty},
		{"unknown flag", "", "send 1 8 0 -", eInval},
		{"every flag", "", "send 1 4294967295 0 -", eInval},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.load([]byte(`{"id":"1"}`))
			if c.prepare != "" {
				d.tell("%s", c.prepare)
			}
			if a := d.ask("%s", c.call); a.result != c.want || a.text == "" {
				t.Errorf("%+v, want result %d and a text", a, c.want)
			}
		})
	}
	if a := d.send([]byte(`{"id":"1"}`)); a.result != sent || a.text != "" {
		t.Errorf("a good one: %+v", a)
	}
	l.await(1)
	if len(s.profiles(t)) != 0 {
		t.Error("something was written")
	}
}

func TestConfigure_ChangesNothingWhenItRefuses(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	for _, c := range []struct{ name, wrong, names string }{
		{"unknown key", `"nope":1`, "nope"},
		{"wrong type", `"timeout_us":"50000"`, "timeout_us"},
		{"a float", `"timeout_us":1.5`, "timeout_us"},
		{"null", `"buffer_dirs":null`, "buffer_dirs"},
		{"an empty list", `"buffer_dirs":[]`, "buffer_dirs"},
		{"a list of numbers", `"buffer_dirs":[1]`, "buffer_dirs"},
		{"a relative path", `"buffer_dirs":["b"]`, "buffer_dirs"},
		{"no path", `"listener_socket":""`, "listener_socket"},
		{"NUL in a path", `"listener_socket":"/a\u0000b"`, "listener_socket"},
		{"timeout 0", `"timeout_us":0`, "timeout_us"},
		{"timeout over a minute", `"timeout_us":60000001`, "timeout_us"},
		{"datagram 0", `"max_datagram_size":0`, "max_datagram_size"},
		{"datagram over 16 MiB", `"max_datagram_size":16777217`, "max_datagram_size"},
		{"less than no files", `"buffer_max_files":-1`, "buffer_max_files"},
		{"less than no bytes", `"buffer_max_bytes":-1`, "buffer_max_bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.load(fmt.Appendf(nil, `{"listener_socket":"/nowhere","buffer_dirs":["/nowhere"],%s}`, c.wrong))
			if a := d.ask("configure"); a.result != eInval || !strings.Contains(a.text, c.names) {
				t.Errorf("%+v, want result %d and a text that names %s", a, eInval, c.names)
			}
		})
	}
	if a := d.send([]byte(`{"id":"1"}`)); a.result != sent {
		t.Errorf("afterwards: %+v", a)
	}
	l.await(1)
}

// P1: one datagram, the document itself, with its own spelling.
func TestSend_IsOneDatagramOfTheDocument(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	document := []byte(`{"b": 1.50e0, "a":"\u00e9\/", "b2":[ ]}`)
	if a := d.send(document); a.result != sent || a.text != "" {
		t.Fatalf("%+v", a)
	}
	got := parse(t, l.await(1)[0], false)
	if got.rest != string(document) {
		t.Errorf("the datagram without _meta is %q, want %q", got.rest, document)
	}
}
