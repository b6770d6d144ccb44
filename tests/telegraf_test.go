package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// telegraf starts Telegraf with configurations of listeners/.
func (s scene) telegraf(t *testing.T, configurations ...string) *process {
	t.Helper()
	var args []string
	for _, path := range configurations {
		args = append(args, "--config", path)
	}
	return s.daemon(t, exec.Command(installed(t, "telegraf"), args...))
}

// 10,000 profiles, 3,000 of them while Telegraf is away: each is in its file, once.
func TestListeners_Telegraf(t *testing.T) {
	s := newScene(t)
	inputs, output := s.configured(t, "telegraf.conf"), s.configured(t, "telegraf-file.conf")
	arrived := func() map[string]int { return ids(t, s.written()...) }
	f := &feed{driver: startDriver(t, s)}

	f.none("before", 1000)
	p := s.telegraf(t, inputs, output)
	f.mostly("with", 4000)
	f.arrive(30*time.Second, arrived)                                             // what it has in memory dies with it
	until(t, 10*time.Second, "files that Telegraf is through with", func() bool { // what is not there is sent again
		names, _ := filepath.Glob(s.dir + "/finished/.new/profile_*")
		return len(names) == 0
	})
	p.kill()
	f.none("without", 2000)
	s.telegraf(t, inputs, output)
	f.mostly("again", 3000)

	if twice := f.accounted(f.arrive(30*time.Second, arrived)); twice != 0 {
		t.Errorf("%d profiles more than were sent", twice)
	}
	until(t, 10*time.Second, "an empty buffer", func() bool { return len(s.profiles(t)) == 0 })
}

// Telegraf is killed while it empties the buffer, and loses nothing: the files that it had not written yet are in its
// folder for finished files.
func TestListeners_TelegrafKilled(t *testing.T) {
	s := newScene(t)
	inputs, output := s.configured(t, "telegraf.conf"), s.configured(t, "telegraf-file.conf")
	finished := func() []string {
		names, _ := filepath.Glob(s.dir + "/finished/profile_*")
		return names
	}
	f := &feed{driver: startDriver(t, s)}
	f.none("before", 5000)

	p := s.telegraf(t, inputs, output)
	until(t, 20*time.Second, "files that Telegraf is through with", func() bool { return len(finished()) > 100 })
	p.kill()
	there := ids(t, s.written()...)
	t.Logf("killed with %d files finished, %d profiles written, %d in the buffer",
		len(finished()), len(there), len(s.profiles(t)))
	// As telegraf.conf says. -n: the file that it was just copying is in both.
	succeed(t, 10*time.Second, exec.Command("sh", "-c", "mv -n "+s.dir+"/finished/profile_* "+s.buffer))

	s.telegraf(t, inputs, output)
	f.accounted(f.arrive(30*time.Second, func() map[string]int { return ids(t, s.written()...) }))
}

// With these settings, Telegraf receives the largest datagram of the kernel whole, and numbers become a separate
// metric.
func TestListeners_TelegrafTakesAll(t *testing.T) {
	s := newScene(t)
	s.telegraf(t, s.configured(t, "telegraf.conf"), s.configured(t, "telegraf-file.conf"),
		s.configured(t, "telegraf-metrics.conf"))
	s.takesAll(t)
	until(t, 10*time.Second, "the metric", func() bool {
		text, _ := os.ReadFile(s.dir + "/metrics")
		return strings.Contains(string(text), "request,url=/x elapsed_ms=812.5,queries=2i ")
	})
}
