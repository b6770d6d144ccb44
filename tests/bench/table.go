package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"libtransmit/tests/bench/measure"
)

// A result is what a run says about one goal.
type result struct {
	What   string  `json:"what"`
	Row    string  `json:"row"`
	Way    string  `json:"way"`
	Median float64 `json:"median"`
	P99    float64 `json:"p99,omitempty"`
	Peer   string  `json:"peer,omitempty"`
	// The way's median in the peer's.
	PeerMedian float64 `json:"peer_median,omitempty"`
	Ratio      float64 `json:"ratio,omitempty"`
	Goal       string  `json:"goal,omitempty"`
	Met        string  `json:"met"` // yes, no, "" where there is no goal, or why it was not measured
}

// notMeasured is followed by why, if a program said it.
const notMeasured = "not measured"

func (g goal) judge(rows *measure.Rows) result {
	r := result{What: g.what, Row: g.row, Way: g.way, Peer: g.peer, Goal: g.text()}
	own, peer := rows.Samples(g.row, g.way), rows.Samples(g.row, g.against)
	if len(own) == 0 || g.against != "" && len(peer) == 0 {
		r.Met = notMeasured + rows.Why(g.row)
		return r
	}
	r.Median = measure.Quantile(own, 0.5)
	if len(own) >= 100 {
		r.P99 = measure.Quantile(own, 0.99)
	}
	if len(peer) > 0 {
		r.PeerMedian = measure.Quantile(peer, 0.5)
		r.Ratio = r.Median / r.PeerMedian
	}
	if g.kind != shown {
		r.Met = "no"
	}
	if g.isMet(r) {
		r.Met = "yes"
	}
	return r
}

func (g goal) isMet(r result) bool {
	switch g.kind {
	case times:
		return r.Ratio <= g.limit
	case faster:
		return r.Ratio*g.limit <= 1
	case within:
		return r.Median <= g.limit
	}
	return false
}

func (g goal) text() string {
	switch {
	case g.kind == times:
		return fmt.Sprintf("≤ %.3g times", g.limit)
	case g.kind == faster:
		return fmt.Sprintf("≥ %.3g times faster", g.limit)
	case g.kind == within && g.unit.isRate:
		return "≥ " + g.unit.show(g.limit)
	case g.kind == within:
		return "≤ " + g.unit.show(g.limit)
	}
	return ""
}

// comparison is the ratio, as the goal has it.
func (g goal) comparison(r result) string {
	switch {
	case r.Ratio == 0:
		return ""
	case g.kind == times || r.Ratio >= 1:
		return fmt.Sprintf("%.3g times", r.Ratio)
	}
	return fmt.Sprintf("%.3g times faster", 1/r.Ratio)
}

func (g goal) cells(r result) []string {
	if strings.HasPrefix(r.Met, notMeasured) {
		return []string{r.What, "", "", r.Peer, "", r.Goal, r.Met}
	}
	cells := []string{r.What, g.unit.show(r.Median), "", r.Peer, g.comparison(r), r.Goal, r.Met}
	if r.P99 > 0 {
		cells[2] = g.unit.show(r.P99)
	}
	if r.PeerMedian > 0 {
		cells[3] += ": " + g.unit.show(r.PeerMedian)
	}
	return cells
}

// table is Markdown that can be read as it is.
func table(results []result) string {
	lines := [][]string{{"what", "median", "p99", "against", "ratio", "goal", "goal met"}}
	for i, r := range results {
		lines = append(lines, goals[i].cells(r))
	}
	return markdown(lines)
}

// The situations and clients of peers.php, and how the reader knows them.
var (
	situations = [][2]string{
		{"well", "the listener reads"}, {"absent", "no listener"}, {"wedged", "the listener does not read"},
		{"hung", "no listener, each disk operation takes 200 ms"},
	}
	clients = [][2]string{
		{"native", "libtransmit"}, {"reference", reference}, {"file", "a line to a file, as php-profiler's"},
		{"forget", "a Unix socket, as DogStatsD's"}, {"journal", "`sd_journal_send`, interrupted after 1 s"},
	}
)

// comparedWith is what calls of other clients take, and how many profiles there are afterwards.
func comparedWith(rows *measure.Rows) string {
	lines := [][]string{{"what happens", "client", "p50", "p99", "worst", "calls", "profiles kept"}}
	for _, situation := range situations {
		for _, client := range clients {
			calls := rows.Samples("peers-"+situation[0], client[0])
			kept := rows.Samples("peers-"+situation[0]+"-kept", client[0])
			if len(calls) == 0 || len(kept) == 0 {
				continue
			}
			line := []string{situation[1], client[1]}
			for _, q := range []float64{0.5, 0.99, 1} {
				line = append(line, showDuration(measure.Quantile(calls, q)))
			}
			line = append(line, fmt.Sprint(len(calls)), fmt.Sprintf("%.0f %%", measure.Quantile(kept, 0)))
			lines = append(lines, line)
		}
	}
	return markdown(lines)
}

func markdown(lines [][]string) string {
	lines = slices.Insert(lines, 1, nil)
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, width := range widths {
		lines[1] = append(lines[1], strings.Repeat("-", width))
	}
	var b strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			b.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		b.WriteString("|\n")
	}
	return b.String()
}
