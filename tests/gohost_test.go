package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The host is a Go program itself: each of the two runtimes handles only its own threads, signals and faults.
func TestGoHost(t *testing.T) {
	const seconds = 4
	binary := stage + "/gohost"
	build := exec.Command(need(t, "go", "golang"), "build", "-o", binary, ".")
	build.Dir = root + "/tests/gohost"
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS=-I"+root+"/include",
		"CGO_LDFLAGS=-L"+stage+"/build -Wl,-rpath,"+stage+"/build")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := newScene(t)
	l := listen(t, s.socket)
	p := start(t, 60*time.Second, exec.Command(binary, s.settings(nil), fmt.Sprint(seconds)))
	time.Sleep(seconds * time.Second / 2)
	l.retire() // the second half goes to the disk
	var all []string
	refused, others := map[string]bool{}, map[string]int{}
	for len(others) < 4 {
		var name string
		var n int
		_, err := fmt.Sscan(p.line(), &name, &n)
		check(t, err)
		switch {
		case !strings.Contains(name, "."):
			others[name] = n
		case n < 0:
			refused[name] = true
			fallthrough
		default:
			all = append(all, name)
		}
	}
	p.exit()
	t.Logf("%v", others)
	for _, name := range []string{"collections", "signals", "faults", "profiled"} {
		if others[name] < 10 {
			t.Errorf("%d %s", others[name], name)
		}
	}
	f := account(t, all, ids(t, l.all()...), ids(t, s.profiles(t)...), refused)
	if f.sent == 0 || f.buffered == 0 || f.refused != 0 {
		t.Errorf("%+v", f)
	}
	f.report(t)
}
