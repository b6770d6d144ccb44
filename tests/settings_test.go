package tests

import (
	"strings"
	"testing"
)

// The settings that hold already need no Go (door/settings.c): PHP gives them in each request.
func TestSettings_TheSameAgain(t *testing.T) {
	strace := need(t, "strace", "strace")
	s := newScene(t)
	trace := s.dir + "/trace"
	d := startDriver(t, s, strace, "-qq", "-o", trace)
	version := func(length int) string {
		return s.settings(map[string]any{"php_version": strings.Repeat("8", length)})
	}
	many := strings.Replace(version(5), "{", "{"+strings.Repeat(" ", 3000), 1) // more than C has room for
	steps := []struct {
		name, settings string
		entersGo       bool
	}{
		{"others than the defaults", version(5), true},
		{"the same", version(5), false},
		{"the same again", version(5), false},
		{"shorter", version(4), true},
		{"as before", version(5), true},
		{"refused", `{"php_version":5}`, true},
		{"as before the refusal", version(5), false},
		{"the same without its end", version(5)[:len(version(5))-1], true},
		{"long", many, true},
		{"long again", many, true},
		{"not the start of the long one", strings.Repeat(" ", 100), true},
	}
	for _, c := range steps {
		d.load([]byte(c.settings))
		result := d.ask("configure").result
		if want := strings.HasSuffix(c.settings, "}") && !strings.Contains(c.settings, ":5}"); (result == 0) != want {
			t.Errorf("%s: %d", c.name, result)
		}
	}
	d.exit()
	beforeAnswers := strings.Split(read(t, trace), `write(1, "`)[1:] // 0: that it is there
	for i, c := range steps {
		calls := beforeAnswers[i]
		if entered := strings.Contains(calls, "rt_sigprocmask(SIG_BLOCK, ~["); entered != c.entersGo {
			t.Errorf("%s: entered Go %v, want %v:\n%s", c.name, entered, c.entersGo, calls)
		}
	}
}
