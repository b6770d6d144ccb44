package tests

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const flagAskLog = 32

// sendUnder calls transmit_send_configured with the loaded document. It returns the answer, and the number that says
// whether a log line is due.
func (d *driver) sendUnder(settings string, flags uint32) (answer, int) {
	d.t.Helper()
	d.tell("under %d %s", flags|flagAskLog, settings)
	return d.answer(), d.answer().result
}

// Each call has the settings that it names, whatever the last one had. A log line is due once for each listener.
func TestSendConfigured(t *testing.T) {
	scenes := []scene{newScene(t), newScene(t)}
	d := startDriver(t, newScene(t))
	const rounds = 20
	for i := range rounds * len(scenes) {
		own := i % len(scenes)
		d.load(fmt.Appendf(nil, `{"scene":%d}`, own))
		a, due := d.sendUnder(scenes[own].settings(nil), flagTrusted)
		for a.result == eStarting {
			a, due = d.sendUnder(scenes[own].settings(nil), flagTrusted)
		}
		if isFirst := i < len(scenes); !a.is(buffered) || isFirst != (due == 1) || !isFirst && due != 0 {
			t.Fatalf("send %d: %+v, lines %d", i, a, due)
		}
	}
	eachInItsScene(t, scenes, rounds)
	l := listen(t, scenes[0].socket)
	if a, due := d.sendUnder(scenes[0].settings(nil), flagTrusted); a.result != sent || due != 0 {
		t.Errorf("with a listener: %+v, lines %d", a, due)
	}
	l.await(1)
}

// Each listener has log lines of its own, also if C does not know the settings: they are long, or there were many others.
func TestSendConfigured_LogOfManySites(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	d.load([]byte(`{"id":1}`))
	const sites = 70 // more than C keeps
	for i := range 2 * sites {
		more := map[string]any{"listener_socket": fmt.Sprintf("%s/%d", s.dir, i%sites)}
		if i%sites < 5 {
			long := []string{"/nowhere/" + strings.Repeat("d", 200)}
			more["buffer_dirs"] = append([]string{s.buffer}, slices.Repeat(long, 12)...)
		}
		a, due := d.sendUnder(s.settings(more), flagTrusted)
		for a.result == eStarting {
			a, due = d.sendUnder(s.settings(more), flagTrusted)
		}
		if isFirst := i < sites; !a.is(buffered) || isFirst != (due == 1) {
			t.Fatalf("send %d: %+v, lines %d", i, a, due)
		}
	}
}

// Wrong settings or a wrong document: nothing is sent, and nothing is written. The settings stay as they were. Each call
// is counted.
func TestSendConfigured_Refused(t *testing.T) {
	s := newScene(t)
	d := startDriver(t, s)
	calls := 0
	for _, c := range []struct {
		name, settings, document string
		flags                    uint32
		want                     int
	}{
		{"an unknown setting", `{"nope":1}`, `{"id":1}`, flagTrusted, eInval},
		{"settings that are no object", `[]`, `{"id":1}`, flagTrusted, eNotObject},
		{"settings that are no JSON", `{`, `{"id":1}`, flagTrusted, eSyntax},
		{"no settings", ``, `{"id":1}`, flagTrusted, eEmpty},
		{"settings that are too long", strings.Repeat(" ", 64<<10) + `{}`, `{"id":1}`, flagTrusted, eInval},
		{"a document that is no JSON", `{}`, `{`, 0, eSyntax},
		{"an unknown flag", `{}`, `{"id":1}`, 0x400, eInval},
	} {
		d.load([]byte(c.document))
		a, _ := d.sendUnder(c.settings, c.flags)
		calls++
		for a.result == eStarting {
			a, _ = d.sendUnder(c.settings, c.flags)
			calls++
		}
		if a.result != c.want || a.text == "" || strings.Contains(a.text, "settings") != strings.Contains(c.name, "setting") {
			t.Errorf("%s: %+v, want %d with a text that names what is wrong", c.name, a, c.want)
		}
	}
	if counted, _ := d.stats().Process.calls(); counted != calls {
		t.Errorf("%d calls were counted, want %d", counted, calls)
	}
	if files := s.files(t); len(files) != 0 {
		t.Errorf("%d files", len(files))
	}
	d.load([]byte(`{"id":2}`))
	if a := d.sends(1, flagTrusted, "-")[0]; !a.is(buffered) || len(s.profiles(t)) != 1 {
		t.Errorf("after that: %+v", a)
	}
}

// Threads that serve several sites: each profile is where its own settings say. All of them ask at once whether to log.
func TestSendConfigured_Threads(t *testing.T) {
	scenes := []scene{newScene(t), newScene(t), newScene(t)}
	const sends = 2000
	args := []string{fmt.Sprint(sends)}
	for _, s := range scenes {
		args = append(args, s.settings(nil))
	}
	var lost, lines int
	_, err := fmt.Sscan(succeed(t, 30*time.Second, exec.Command(program(t, "sites"), args...)), &lost, &lines)
	check(t, err)
	if lost != 0 || lines < len(scenes) || lines > 2*len(scenes) { // one for each result of each listener
		t.Errorf("%d lost, %d lines", lost, lines)
	}
	eachInItsScene(t, scenes, sends)
}
