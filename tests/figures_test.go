package tests

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// figures are what became of a test's profiles, for the table that ends a soak.
type figures struct {
	sent     int           // ids that the listener got
	buffered int           // ids in buffer files
	refused  int           // ids that the caller was told were refused or lost
	lost     int           // ids that nobody has and nobody was told of
	died     int           // processes that ended otherwise than they should
	worst    time.Duration // of all calls; 0: not measured
}

// account says where the ids are that were sent: each at the listener, in a file
// or with its sender, and nowhere twice, which fails the test.
func account(t *testing.T, ids []string, atListener, inBuffer map[string]int, refused map[string]bool) figures {
	t.Helper()
	f := figures{sent: len(atListener), buffered: len(inBuffer), refused: len(refused)}
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
		n := atListener[id] + inBuffer[id]
		if refused[id] {
			n++
		}
		if n == 0 {
			if f.lost++; f.lost <= 20 {
				t.Logf("profile %s is lost", id)
			}
		}
		if n > 1 {
			t.Errorf("profile %s: %d at the listener, %d in the buffer, refused: %v",
				id, atListener[id], inBuffer[id], refused[id])
		}
	}
	for _, place := range []map[string]int{atListener, inBuffer} {
		for id := range place {
			if !known[id] {
				t.Errorf("profile %s was never sent", id)
			}
		}
	}
	return f
}

// report fails the test if a profile was lost or a process died, and adds a line
// to the table.
func (f figures) report(t *testing.T) {
	t.Helper()
	if f.lost != 0 || f.died != 0 {
		t.Errorf("%d profiles are lost, %d processes died", f.lost, f.died)
	}
	t.Logf("%d sent, %d buffered, %d refused, worst call %v", f.sent, f.buffered, f.refused, f.worst)
	toTable(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n",
		t.Name(), f.sent, f.buffered, f.refused, f.lost, f.worst.Microseconds(), f.died)
}

// note adds a sentence below the table.
func note(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	toTable(t, "%s: %s\n", t.Name(), fmt.Sprintf(format, args...))
}

// toTable appends to the file that TRANSMIT_FIGURES names: tests/table.sh reads it.
func toTable(t *testing.T, format string, args ...any) {
	t.Helper()
	path := os.Getenv("TRANSMIT_FIGURES")
	if path == "" {
		return
	}
	table, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(t, err)
	defer table.Close()
	_, err = fmt.Fprintf(table, format, args...)
	check(t, err)
}

// add takes another test's figures in.
func (f *figures) add(more figures) {
	f.sent += more.sent
	f.buffered += more.buffered
	f.refused += more.refused
	f.lost += more.lost
	f.died += more.died
	f.worst = max(f.worst, more.worst)
}

// count takes one answer of a call into the figures.
func (f *figures) count(a answer) {
	switch {
	case a.result == sent:
		f.sent++
	case a.result > 0:
		f.buffered++
	default:
		f.refused++
	}
	f.worst = max(f.worst, a.took)
}

// lasts is how long a test of any length takes: usually, or in a soak that share of its time (TRANSMIT_SOAK_SECONDS), and
// less with go test -short.
func lasts(t *testing.T, usually time.Duration, share float64) time.Duration {
	t.Helper()
	whole := env("TRANSMIT_SOAK_SECONDS", "0")
	seconds, err := strconv.Atoi(whole)
	check(t, err)
	if testing.Short() {
		usually /= 5
	}
	return max(usually, time.Duration(share*float64(seconds)*float64(time.Second)))
}

// numbered are the ids of so many documents with ########.
func numbered(count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf("%08d", i)
	}
	return all
}

// refusals are the ids of the numbered documents that were refused.
func refusals(answers []answer) map[string]bool {
	refused := map[string]bool{}
	for i, a := range answers {
		if a.result < 0 {
			refused[fmt.Sprintf("%08d", i)] = true
		}
	}
	return refused
}

// times says how long calls took, of any number.
type times []time.Duration

func timesOf(answers []answer) times {
	var all times
	for _, a := range answers {
		all = append(all, a.took)
	}
	slices.Sort(all)
	return all
}

func (all times) worst() time.Duration { return all[len(all)-1] }

func (all times) String() string {
	n := len(all)
	return fmt.Sprintf("%d calls: p50 %v, p99 %v, worst %v", n, all[n/2], all[n*99/100], all.worst())
}

const (
	promised = 50 * time.Millisecond // for each call
	noisy    = 4 * promised          // what a busy machine may make of it
)
