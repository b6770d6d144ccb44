package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// In an outage a call wakes the writer, and the writer wakes the caller. No other thread has to run for that: on a busy
// machine each one would wait for a CPU.
func TestHandOver_WakesFewThreads(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	d.load([]byte(`{"id":"########"}`))
	d.sends(20, flagTrusted, "-") // start Go
	const sends = 300
	before := d.switches()
	for range sends {
		time.Sleep(2 * time.Millisecond) // the rate at which Go's monitor thread looked after each call
		if a := d.sends(1, flagTrusted, "-")[0]; !a.is(buffered) {
			t.Fatalf("%+v", a)
		}
	}
	// Of the caller, to read its command and to wait for the file; of the writer, to sleep.
	if each := float64(d.switches()-before) / sends; each > 6 {
		t.Errorf("%.1f context switches a call, want about 4", each)
	}
}

// switches is how often the threads of the process have gone to sleep.
func (d *driver) switches() (sum int) {
	d.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", d.pid()))
	check(d.t, err)
	for _, path := range threads {
		text, err := os.ReadFile(path)
		check(d.t, err)
		var n int
		_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		_, err = fmt.Sscan(rest, &n)
		check(d.t, err)
		sum += n
	}
	return sum
}

// Profiles that are handed over, those that go through Go, and those that nobody waits for: each is one whole file.
func TestHandOver_EachOnce(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	const each = 200
	for _, c := range []struct {
		name  string
		flags uint32
		size  int
		want  int
	}{
		{"with _meta", flagTrusted, 100, buffered},
		{"as it is", flagAsIs, 100, buffered},
		{"checked by Go", 0, 100, buffered},
		{"nobody waits", flagTrusted | flagNoWait, 100, pending},
		{"larger than the box", flagTrusted, 65507 - 200, buffered},
		{"too large for a datagram", flagTrusted, 70000, buffered},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.files(t))
			d.load(padded(c.size))
			for i, a := range d.sends(each, c.flags, "-") {
				if !a.is(c.want) && !a.is(pending) {
					t.Fatalf("send %d: %+v", i, a)
				}
			}
			d.settle()
			if n := len(s.files(t)) - before; n != each {
				t.Errorf("%d files, want %d", n, each)
			}
		})
	}
}

// The settings may change before the writer has a profile that nobody waits for. Those of its call apply.
func TestHandOver_SettingsOfItsCall(t *testing.T) {
	d := startDriver(t, newScene(t))
	scenes := []scene{newScene(t), newScene(t)}
	change := func(i int) string {
		s := scenes[i%len(scenes)]
		return fmt.Sprintf("load %s\nconfigure\nload %s", s.write(t, "settings", s.settings(nil)),
			s.write(t, "profile", fmt.Sprintf(`{"scene":%d}`, i%len(scenes))))
	}
	d.ask("%s", change(0))
	const rounds = 200
	for i := range rounds * len(scenes) {
		time.Sleep(time.Millisecond) // the writer sleeps
		d.tell("send 1 %d 0 -\n%s", flagTrusted|flagNoWait, change(i+1))
		if sent, configured := d.answer(), d.answer(); sent.result != pending || configured.result != 0 {
			t.Fatalf("%+v, %+v", sent, configured)
		}
	}
	d.settle()
	eachInItsScene(t, scenes, rounds)
}

// eachInItsScene wants so many profiles in each scene, which all have the scene's number.
func eachInItsScene(t *testing.T, scenes []scene, want int) {
	t.Helper()
	for i, s := range scenes {
		own, all := 0, s.profiles(t)
		for _, profile := range all {
			if strings.HasPrefix(string(profile), fmt.Sprintf(`{"scene":%d,`, i)) {
				own++
			}
		}
		if own != want || len(all) != want {
			t.Errorf("%d profiles in scene %d, of which %d are its own; want %d", len(all), i, own, want)
		}
	}
}

// An attempt of transmit_try_send that has failed says nothing about the next call, which may have another document and
// other flags.
func TestHandOver_AfterAnAttempt(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	d.load([]byte(`{"id":1}`))
	d.sends(1, flagTrusted, "-") // start Go
	for _, c := range []struct {
		name, document string
		flags          uint32
		want           int
	}{
		{"not JSON, to be checked", `{"id":nonsense}`, 0, eSyntax},
		{"not JSON, to the disk", `{"id":nonsense}`, flagToDisk, eSyntax},
		{"an unknown flag", `{"id":1}`, 0x400, eInval},
	} {
		d.load([]byte(c.document))
		d.tell("try 1 %d %s\nsend 1 %d 0 -", flagTrusted, s.socket, c.flags)
		if a := d.answer(); a.result != eUnsent {
			t.Errorf("%s: the attempt: %+v", c.name, a)
		}
		if a := d.answer(); a.result != c.want {
			t.Errorf("%s: %+v, want %d", c.name, a, c.want)
		}
	}
	d.load([]byte(`{"id":1}`))
	d.ask("try 1 %d %s", flagTrusted, s.socket)
	listen(t, s.socket)
	if a := d.sends(1, flagTrusted, "-")[0]; a.result != sent {
		t.Errorf("the listener is back: %+v", a)
	}
}

// Hosts write the text to logs and terminals, whether Go or C made it.
func TestHandOver_PrintableText(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	for _, c := range []struct{ name, in, want string }{
		{"ASCII", "\x1b", "?"},
		{"UTF-8", "\u009b", "??"},
	} {
		d.configure(s.settings(map[string]any{"listener_socket": "/nowhere/" + c.in + "/l"}))
		d.load([]byte(`{"id":1}`))
		for range 5 {
			time.Sleep(3 * time.Millisecond) // the writer sleeps
			if a, want := d.sends(1, flagTrusted|flagNoWait, "-")[0], "/nowhere/"+c.want+"/l"; !strings.Contains(a.text, want) {
				t.Errorf("%s: %+v, want %s in it", c.name, a, want)
			}
		}
	}
}
