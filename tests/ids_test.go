package tests

import (
	"os/exec"
	"regexp"
	"testing"
	"time"
)

var metaID = regexp.MustCompile(`"_meta":\{[^}]*"id":"([0-9a-f]{16})"`)

// A consumer recognizes a profile that it gets twice by the id in its _meta. So no two profiles have the same id: not
// in one process, whatever path they take, and not in two processes.
func TestIDs_AreDifferent(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	const processes, rounds = 4, 50
	want := 0
	for range processes {
		d := startDriver(t, s)
		for range rounds {
			for _, flags := range []uint32{0, flagTrusted, flagToDisk} {
				d.load([]byte(`{"a":1}`))
				if a := d.ask("send 1 %d 0 -", flags); a.result < 0 {
					t.Fatalf("%+v", a)
				}
				want++
			}
		}
		d.ask("flush %d", 1000000)
	}
	files := 0
	until(t, 5*time.Second, "all profiles", func() bool {
		files = len(s.profiles(t))
		return len(l.all())+files == want
	})
	checkIDs(t, append(l.all(), s.profiles(t)...))
}

// A forked child inherits its parent's memory, but not its ids.
func TestIDs_OfForkedChildren(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	succeed(t, 30*time.Second, exec.Command(program(t, "ids"), s.socket))
	const processes, each = 1 + 8 + 8, 30
	until(t, 5*time.Second, "all profiles", func() bool { return len(l.all()) == processes*each })
	checkIDs(t, l.all())
}

func checkIDs(t *testing.T, profiles [][]byte) {
	t.Helper()
	seen := map[string]bool{}
	for _, text := range profiles {
		found := metaID.FindSubmatch(text)
		if found == nil || seen[string(found[1])] {
			t.Fatalf("no id, or the id of another profile: %s", text)
		}
		seen[string(found[1])] = true
	}
}
