package tests

import (
	"strings"
	"testing"
)

// PHP passes the settings in each request, and they are mostly the same. Whatever came before them, they are in effect
// afterwards, or refused.
func TestSettings_TheSameAgain(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	version := func(length int) string {
		return s.settings(map[string]any{"php_version": strings.Repeat("8", length)})
	}
	many := strings.Replace(version(6), "{", "{"+strings.Repeat(" ", 3000), 1)
	steps := []struct {
		name, settings string
		want           int // the version's length; 0: they are refused
	}{
		{"others than the defaults", version(5), 5},
		{"the same", version(5), 5},
		{"the same again", version(5), 5},
		{"shorter", version(4), 4},
		{"as before", version(5), 5},
		{"refused", `{"php_version":5}`, 0},
		{"as before the refusal", version(5), 5},
		{"the same without its end", version(5)[:len(version(5))-1], 0},
		{"long", many, 6},
		{"long again", many, 6},
		{"not the start of the long one", strings.Repeat(" ", 100), 0},
	}
	holds := 0
	for i, c := range steps {
		d.load([]byte(c.settings))
		if result := d.ask("configure").result; (result == 0) != (c.want > 0) {
			t.Errorf("%s: %d", c.name, result)
		}
		if c.want > 0 {
			holds = c.want
		}
		d.load([]byte(`{"a":1}`))
		d.sends(1, flagTrusted, "-")
		if got, want := string(l.await(i + 1)[i]), `"php_version":"`+strings.Repeat("8", holds)+`"`; !strings.Contains(got, want) {
			t.Errorf("%s: want %s in %s", c.name, want, got)
		}
	}
}
