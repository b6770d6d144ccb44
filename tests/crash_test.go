package tests

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// P4: writers that are killed at any moment leave whole files only.
func TestCrash_LeavesOnlyWholeFiles(t *testing.T) {
	const seed = 4
	random := rand.New(rand.NewPCG(seed, 0))
	s := newScene(t)
	document := padded(1_000_000)
	temporary := 0
	for range 30 {
		d := startDriver(t, s)
		d.load(document)
		d.tell("send 1000 %d 0 -", flagToDisk)
		time.Sleep(time.Duration(random.IntN(30_000)) * time.Microsecond)
		d.kill()
		left, err := filepath.Glob(s.buffer + "/.transmit-*")
		check(t, err)
		temporary += len(left)
		for _, path := range left {
			os.Remove(path)
		}
	}
	all := s.profiles(t) // wants each to be whole
	for _, text := range all {
		if len(text) < len(document) {
			t.Errorf("a file has %d bytes of %d", len(text), len(document))
		}
	}
	t.Logf("%d whole files; %d times a writer died with a temporary one", len(all), temporary)
	if len(all) < 30 || temporary == 0 {
		t.Error("the writers were not killed while they wrote")
	}
}

// P4: two writers never take each other's names. Counts in = counts out.
func TestProcesses_CountsInAreCountsOut(t *testing.T) {
	const processes, each = 4, 2000
	s := newScene(t)
	drivers := make([]*driver, processes)
	for i := range drivers {
		drivers[i] = startDriver(t, s)
		drivers[i].load([]byte(`{"id":"` + string(rune('a'+i)) + `########"}`))
		drivers[i].tell("send %d %d 0 -", each, flagToDisk)
	}
	for _, d := range drivers {
		for i := range each {
			if a := d.answer(); !a.is(buffered) {
				t.Fatalf("write %d: %+v", i, a)
			}
		}
		d.settle()
	}
	eachOnce(t, ids(t, s.profiles(t)...), processes*each)
}
