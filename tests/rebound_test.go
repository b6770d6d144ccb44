package tests

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// lookPause is how long a kept socket may stay with a listener whose path another one has taken: transmit.h.
const lookPause = time.Second

// rebind is a way by which another listener comes to a path whose listener lives on.
type rebind struct {
	name string
	do   func(t *testing.T, s scene) *listener // nil: nobody is bound there then
}

var rebinds = []rebind{
	{"removed and bound", func(t *testing.T, s scene) *listener { return listen(t, s.socket) }},
	{"renamed over it", func(t *testing.T, s scene) *listener {
		l := listen(t, s.socket+".new")
		check(t, os.Rename(s.socket+".new", s.socket))
		return l
	}},
	{"a link to another one", func(t *testing.T, s scene) *listener {
		l := listen(t, s.socket+".new")
		check(t, os.Remove(s.socket))
		check(t, os.Symlink(s.socket+".new", s.socket))
		return l
	}},
	{"the directory exchanged", func(t *testing.T, s scene) *listener {
		check(t, os.Rename(s.dir, s.dir+".old"))
		check(t, os.Mkdir(s.dir, 0o755))
		t.Cleanup(func() { os.RemoveAll(s.dir + ".old") })
		return listen(t, s.socket)
	}},
	{"removed", func(t *testing.T, s scene) *listener { check(t, os.Remove(s.socket)); return nil }},
	{"the same", nil},
}

// A kept socket sends to the program that is bound to the path, at most a second after another one was bound, for each
// way to send. While the listener stays, no way connects again.
func TestRebound(t *testing.T) {
	ways := []struct {
		name, command, settings string
	}{
		{"without Go", "send 1 1 0 -", ""},
		{"by Go", "plain", ""},
		{"by Go, listener_user", "plain", fmt.Sprintf(`{"listener_user":%d}`, os.Getuid())},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			var senders []*reboundSender
			for _, rebind := range rebinds {
				x := &reboundSender{name: rebind.name, s: newScene(t)}
				x.sendTwice(t, way.command, way.settings)
				if rebind.do != nil {
					x.now = rebind.do(t, x.s)
				}
				senders = append(senders, x)
			}
			time.Sleep(lookPause + lookPause/10)
			for _, x := range senders {
				x.sendAgain(t, way.command)
			}
		})
	}
}

// reboundSender is a program that has sent before its listener's path was bound again.
type reboundSender struct {
	name     string
	s        scene
	d        *driver
	old, now *listener // now is nil if there is none
}

func (x *reboundSender) sendTwice(t *testing.T, command, settings string) {
	x.old = listen(t, x.s.socket)
	x.now = x.old
	x.d = startDriver(t, x.s)
	if settings != "" {
		x.d.configure(settings)
	}
	x.d.load([]byte(`{"id":"1"}`))
	for range 2 {
		if a := x.d.ask("%s", command); a.result != sent {
			t.Fatalf("%s, before: %+v", x.name, a)
		}
	}
	x.old.await(2)
}

func (x *reboundSender) sendAgain(t *testing.T, command string) {
	a := x.d.ask("%s", command)
	connects := 1
	switch {
	case x.now == nil:
		if !a.is(buffered) || !strings.Contains(a.text, "no such file") {
			t.Errorf("%s: %+v", x.name, a)
		}
		x.old.await(2)
	case x.now == x.old:
		x.old.await(3)
	default:
		connects = 2
		x.now.await(1)
		x.old.await(2)
	}
	if got := x.d.stats().Process.Connects; got != connects {
		t.Errorf("%s: %d connects, want %d", x.name, got, connects)
	}
}
