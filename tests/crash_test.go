package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Writers that are killed at any moment leave only whole files.
func TestCrash_LeavesOnlyWholeFiles(t *testing.T) {
	const seed = 4
	random := rand.New(rand.NewPCG(seed, 0))
	s := newScene(t)
	const size = 1_000_000
	temporary := 0
	var written []string // what the writers had been told is there
	// A busy machine takes more.
	for round := 0; round < 30 || round < 90 && (len(written) < 30 || temporary < 3); round++ {
		d := startDriver(t, s)
		d.load(fmt.Appendf(nil, `{"id":"%d ########","pad":"%s"}`, round, strings.Repeat("x", size)))
		d.tell("send 1000 %d 0 -", flagToDisk)
		answers := []answer{d.answer()} // the library has begun to write
		time.Sleep(time.Duration(random.IntN(30_000)) * time.Microsecond)
		d.kill()
		for i, a := range append(answers, d.rest()...) {
			if a.result == buffered {
				written = append(written, fmt.Sprintf("%d %08d", round, i))
			}
		}
		left := s.debris(t)
		temporary += len(left)
		for _, name := range left {
			check(t, os.Remove(filepath.Join(s.buffer, name)))
		}
	}
	all := s.profiles(t) // wants each to be whole
	for _, text := range all {
		if len(text) < size {
			t.Errorf("a file has %d bytes of %d", len(text), size)
		}
	}
	inBuffer := ids(t, all...)
	for id := range inBuffer { // of the last ones nobody was told
		if !slices.Contains(written, id) {
			written = append(written, id)
		}
	}
	t.Logf("%d whole files; %d times a writer died with a temporary one", len(all), temporary)
	if len(all) < 30 || temporary < 3 {
		t.Error("the writers were not killed while they wrote")
	}
	account(t, written, nil, inBuffer, nil).report(t)
}

// Several processes write at the same time: no file replaces another, and each profile is there once.
func TestProcesses_CountsInAreCountsOut(t *testing.T) {
	const processes, each = 4, 2000
	s := newScene(t)
	drivers := make([]*driver, processes)
	for i := range drivers {
		drivers[i] = startDriver(t, s)
		drivers[i].load([]byte(`{"id":"` + string(rune('a'+i)) + `########"}`))
		drivers[i].tell("send %d %d 0 -", each, flagToDisk)
	}
	var all []string
	var f figures
	for n, d := range drivers {
		for i := range each {
			f.want(t, d.answer(), buffered, "")
			all = append(all, fmt.Sprintf("%c%08d", 'a'+n, i))
		}
		d.settle()
	}
	counted := account(t, all, nil, ids(t, s.profiles(t)...), nil)
	counted.worst = f.worst
	counted.report(t)
}
