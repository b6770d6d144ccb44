// Guard fails when a call costs more than 20 % more than it did beside its peer,
// as limits.tsv has it:
//
//	go run ./guard            from tests/bench
//	go run ./guard -record    writes limits.tsv, on a quiet machine
//
// It compares ratios of medians, of ways that took turns and do work of the same
// kind, so another machine gives about the same. What is over its limit is measured again, up to tries
// times: a busy machine is late now and then, slower code always is.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"libtransmit/tests/bench/measure"
)

const (
	limits   = "guard/limits.tsv"
	tolerate = 1.2
	tries    = 6
)

// A limit is a line of limits.tsv: what a way cost in its peer's cost.
type limit struct {
	program, row, way, peer string
	ratio                   float64
}

// programs measure rows; a try runs those of which a row is over its limit.
var programs = map[string]func(*measure.Bench) error{
	"send":   func(b *measure.Bench) error { return b.C("send") },
	"check":  func(b *measure.Bench) error { return b.Go("./transmit/profile", "BenchmarkBesidePeers", 500) },
	"buffer": func(b *measure.Bench) error { return b.Go("./buffer", "BenchmarkWrite", 1000) },
	"php":    func(b *measure.Bench) error { return b.PHP("26k", "small") },
}

func main() {
	log.SetFlags(0)
	record := flag.Bool("record", false, "write "+limits)
	flag.Parse()
	os.Setenv("BENCH_REFERENCE", "") // the same one everywhere: peer.php
	measure.OnInterrupt()
	all, err := read(limits)
	if err != nil {
		log.Fatal("guard: ", err)
	}
	lowest := measureAll(all, *record)
	if *record && slices.Contains(lowest, 0) {
		err = errors.New("not all was measured")
	} else if *record {
		err = write(limits, all, lowest)
	} else {
		err = judge(all, lowest)
	}
	if err != nil {
		log.Fatal("guard: ", err)
	}
}

// measureAll returns the lowest ratio of each limit. It tries what is over it again; for a record, everything.
func measureAll(all []limit, record bool) []float64 {
	lowest := make([]float64, len(all))
	for range tries {
		due := map[string]bool{}
		for i, l := range all {
			if record || !l.holds(lowest[i]) {
				due[l.program] = true
			}
		}
		if len(due) == 0 {
			break
		}
		for _, program := range slices.Sorted(maps.Keys(due)) {
			if err := try(all, program, lowest); err != nil {
				fmt.Println("#", err) // a busy machine fails, too, now and then
			}
		}
	}
	return lowest
}

func (l limit) holds(ratio float64) bool { return ratio > 0 && ratio <= l.ratio*tolerate }

func try(all []limit, program string, lowest []float64) error {
	b, err := measure.New()
	if err != nil {
		return err
	}
	defer b.Close()
	if err := programs[program](b); err != nil {
		return err
	}
	for i, l := range all {
		if l.program != program {
			continue
		}
		own, peer := b.Rows.Samples(l.row, l.way), b.Rows.Samples(l.row, l.peer)
		if len(own) == 0 || len(peer) == 0 {
			return fmt.Errorf("%s %s was not measured", l.row, l.way)
		}
		ratio := measure.Quantile(own, 0.5) / measure.Quantile(peer, 0.5)
		if lowest[i] == 0 || ratio < lowest[i] {
			lowest[i] = ratio
		}
	}
	return nil
}

func judge(all []limit, lowest []float64) error {
	over := 0
	for i, l := range all {
		verdict := ""
		if !l.holds(lowest[i]) {
			verdict = "  OVER"
			over++
		}
		fmt.Printf("%-12s %-10s beside %-12s %6.3f  was %6.3f, may be %6.3f%s\n",
			l.row, l.way, l.peer, lowest[i], l.ratio, l.ratio*tolerate, verdict)
	}
	if over > 0 {
		return fmt.Errorf("%d of %d cost over 20 %% more than they did, in each of %d tries; ./build.sh bench shows all", over, len(all), tries)
	}
	return nil
}

func read(path string) ([]limit, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []limit
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		var l limit
		if _, err := fmt.Sscan(line, &l.program, &l.row, &l.way, &l.peer, &l.ratio); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		if programs[l.program] == nil {
			return nil, fmt.Errorf("%s: no program %q", path, l.program)
		}
		all = append(all, l)
	}
	return all, nil
}

func write(path string, all []limit, ratios []float64) error {
	text := "# What a way costs in its peer's cost. Written by go run ./guard -record on a quiet machine.\n" +
		"# program\trow\tway\tpeer\tratio\n"
	for i, l := range all {
		text += fmt.Sprintf("%s\t%s\t%s\t%s\t%.4f\n", l.program, l.row, l.way, l.peer, ratios[i])
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
