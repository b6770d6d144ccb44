package tests

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// forked is what one process of a family says about its call.
type forked struct {
	who        string
	result, us int
	id         string
}

func (f forked) answer() answer {
	return answer{result: f.result, took: time.Duration(f.us) * time.Microsecond}
}

// family runs c/fork.c, which must neither hang nor fail, in any of its processes.
func family(t *testing.T, s scene, mode ...string) []forked {
	t.Helper()
	args := append([]string{s.settings(nil)}, mode...)
	out := succeed(t, 20*time.Second, exec.Command(program(t, "fork"), args...))
	var all []forked
	for line := range strings.Lines(out) {
		var f forked
		_, err := fmt.Sscan(line, &f.who, &f.result, &f.us, &f.id)
		check(t, err)
		all = append(all, f)
	}
	return all
}

func TestFork_C(t *testing.T) {
	for _, c := range []struct {
		name, mode string
		want       []int
		arrive     int
	}{
		{"a child before and one after the first call", "around", []int{sent, sent, sent}, 3},
		{"five generations before it", "generations", []int{sent, sent, sent, sent, sent}, 5},
		{"five generations after it", "after", []int{sent, sent, sent, sent, sent, sent}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			got := family(t, s, c.mode)
			if len(got) != len(c.want) {
				t.Fatalf("%d processes answered, want %d: %v", len(got), len(c.want), got)
			}
			var all figures
			for i, f := range got {
				all.count(f.answer())
				if f.result != c.want[i] {
					t.Errorf("%s: result %d, want %d", f.who, f.result, c.want[i])
				}
			}
			eachOnce(t, ids(t, l.await(c.arrive)...), c.arrive)
			if len(s.profiles(t)) != 0 {
				t.Error("something was written")
			}
			all.report(t)
		})
	}
}

// accounted is where the profiles of a family are.
func accounted(t *testing.T, l *listener, s scene, family []forked) figures {
	t.Helper()
	var all []string
	refused := map[string]bool{}
	arrive, worst := 0, time.Duration(0)
	for _, f := range family {
		all = append(all, f.id)
		worst = max(worst, time.Duration(f.us)*time.Microsecond)
		if f.result < 0 {
			refused[f.id] = true
		} else if f.result == sent {
			arrive++
		}
	}
	figures := account(t, all, ids(t, l.await(arrive)...), ids(t, s.profiles(t)...), refused)
	figures.worst = worst
	return figures
}

// orders are all ways in which five generations may call before they fork, or not.
func orders() (all []string) {
	for bits := range 1 << 5 {
		all = append(all, fmt.Sprintf("%05b", bits))
	}
	return all
}

func TestFork_InEveryOrder(t *testing.T) {
	var total figures
	for _, order := range orders() {
		s := newScene(t)
		l := listen(t, s.socket)
		got := family(t, s, "order", order)
		if want := len(order) + strings.Count(order, "1"); len(got) != want {
			t.Fatalf("%s: %d answers, want %d: %v", order, len(got), want, got)
		}
		for i, f := range got {
			if f.result != sent {
				t.Errorf("%s: answer %d is %+v", order, i, f)
			}
		}
		total.add(accounted(t, l, s, got))
	}
	total.report(t)
}

// A child of daemon(3), whose parent has ended, sends with a socket of its own.
func TestFork_Daemon(t *testing.T) {
	for _, c := range []struct {
		name, calls string
		want        []int
	}{
		{"before the first call", "0", []int{sent}},
		{"after it", "1", []int{sent, sent}},
		{"after more calls", "20", slices.Repeat([]int{sent}, 21)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			got := family(t, s, "daemon", c.calls)
			for i, f := range got {
				if f.result != c.want[i] {
					t.Errorf("%+v, want %d", f, c.want[i])
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("%d answers, want %d", len(got), len(c.want))
			}
			accounted(t, l, s, got).report(t)
		})
	}
}

func TestFork_WhileAnotherThreadIsInACall(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	got := family(t, s, "busy")
	if len(got) != 50 {
		t.Fatalf("%d children answered, want 50", len(got))
	}
	var all figures
	for _, f := range got {
		all.count(f.answer())
		// The thread fills the listener's queue now and then: then Go is needed, which a child has not.
		if f.result != sent && f.result != eForked {
			t.Errorf("%+v, want it sent at once", f)
		}
	}
	if all.sent < 25 {
		t.Errorf("%d of 50 children have sent", all.sent)
	}
	// The thread, the listener and a child share the CPUs: some children wait for one.
	slices.SortFunc(got, func(a, b forked) int { return a.us - b.us })
	if half, worst := got[25].us, got[49].us; half > 25_000 || worst > 1_000_000 {
		t.Errorf("half of the calls took up to %d µs, the worst %d µs", half, worst)
	}
	l.retire()
	arrived := ids(t, l.all()...) // the thread's, too
	for _, f := range got {
		if n := arrived[f.id]; n > 1 || (n == 1) != (f.result == sent) {
			t.Errorf("%+v arrived %d times", f, n)
		}
	}
	all.report(t)
}

// Workers of a server inherit the same random bytes (AT_RANDOM), from which Go would make the same file names in each.
// The names must differ.
func TestFork_SiblingsDrawDifferentNames(t *testing.T) {
	s, other := newScene(t), newScene(t)
	for _, f := range family(t, s, "siblings", other.settings(nil)) {
		if f.result != buffered {
			t.Errorf("%+v, want result %d", f, buffered)
		}
	}
	digits := func(s scene) string {
		found, err := filepath.Glob(s.buffer + "/profile_*.json")
		check(t, err)
		if len(found) != 1 {
			t.Fatalf("files: %v", found)
		}
		return found[0][len(found[0])-len("xxxxxxxx.json"):]
	}
	if one, two := digits(s), digits(other); one == two {
		t.Errorf("both children drew %s", one)
	}
}

// A child that is forked while Go starts in its parent sends, with its own Go or without, or its result says why not.
// The parent continues.
func TestFork_WhileGoStarts(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	arrive := 0
	var all figures
	for delay := 0; delay <= 6000; delay += 200 {
		late := true
		for try := 0; try < 12 && late; try++ { // a busy machine
			got := family(t, s, "starting", fmt.Sprint(delay))
			if len(got) != 2 {
				t.Fatalf("after %d µs: %+v", delay, got)
			}
			child, parent := got[0], got[1]
			all.count(child.answer())
			all.count(parent.answer())
			if child.result != sent && child.result != eForked || parent.result != sent {
				t.Errorf("after %d µs: child %+v, parent %+v", delay, child, parent)
			}
			late = child.us > 50_000
			arrive += 2
			if child.result == sent {
				arrive++
			}
		}
		if late {
			t.Errorf("after %d µs, the child is late each time", delay)
		}
	}
	l.await(arrive)
	all.report(t)
}

// Every process sends by the library, without Go, including a child that was forked after the parent's first send.
func TestFork_PHP(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	out := "\n" + succeed(t, 20*time.Second, php(t, s, "fork.php"))
	for _, who := range []string{"before", "parent", "after", "parent again"} {
		_, rest, found := strings.Cut(out, "\n"+who+" sent ")
		var threads, byLibrary int
		fmt.Sscan(rest, &threads, &byLibrary)
		if !found || threads != 1 || byLibrary == 0 {
			t.Errorf("%s: want it sent by the library; %d threads, %d sent by it", who, threads, byLibrary)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	eachOnce(t, ids(t, l.await(4)...), 4)
	figures{sent: 4}.report(t)
}

// In PHP every process delivers its profiles, whichever of its ancestors has sent before.
func TestFork_PHPInEveryOrder(t *testing.T) {
	some := []string{"00000", "10000", "01000", "00100", "00010", "01010", "11111"}
	s := newScene(t)
	l := listen(t, s.socket)
	out := succeed(t, 60*time.Second, php(t, s, "fork_order.php", some...))
	var all []string
	for line := range strings.Lines(out) {
		id, result, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, id)
		if result != "sent" {
			t.Errorf("%s: %s", id, result)
		}
	}
	want := 0
	for _, order := range some {
		want += len(order) + strings.Count(order, "1")
	}
	if len(all) != want {
		t.Errorf("%d answers, want %d", len(all), want)
	}
	account(t, all, ids(t, l.await(want)...), ids(t, s.profiles(t)...), nil).report(t)
}
