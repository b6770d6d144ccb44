package tests

import (
	"os/exec"
	"testing"
	"time"
)

func (s scene) syslogNG(t *testing.T) *process {
	t.Helper()
	return s.daemon(t, exec.Command(need(t, "syslog-ng", "syslog-ng-core"), "-F", "--no-caps",
		"-f", s.configured(t, "syslog-ng.conf"), "-R", s.dir+"/persist", "-p", s.dir+"/pid", "-c", s.dir+"/control"))
}

// 10,000 profiles through syslog-ng, 3,000 of them while it is away: the library replays those. Each is in its file,
// once.
func TestListeners_SyslogNG(t *testing.T) {
	s := newScene(t)
	f := &feed{driver: startDriver(t, s)}
	f.configure(s.settings(map[string]any{"replay": "auto", "listener": "syslog-ng"}))
	arrived := func() map[string]int { return ids(t, s.written()...) }

	f.none("before", 1000)
	p := s.syslogNG(t)
	f.mostly("with", 3999)
	f.later("one")
	f.arrive(30*time.Second, arrived)
	p.kill()
	f.none("without", 2000)
	s.syslogNG(t)
	f.mostly("again", 2999)
	f.later("another")

	if twice := f.accounted(f.arrive(30*time.Second, arrived)); twice != 0 {
		t.Errorf("%d profiles more than were sent", twice)
	}
}

// later sends one when things are quiet: a replay that met others' datagrams in the
// queue has given up, and begins again with this one.
func (f *feed) later(name string) {
	f.t.Helper()
	time.Sleep(3 * time.Second)
	f.lot(name, 1)
}

func TestListeners_SyslogNGTakesAll(t *testing.T) {
	s := newScene(t)
	s.syslogNG(t)
	s.takesAll(t)
}
