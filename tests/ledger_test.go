package tests

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// encodingEnds is when a profile of several pieces is refused if it is not encoded: the rest of the time is for the disk.
const encodingEnds = promised * 3 / 5

// ledger is what the workers wrote around their calls: php/scripts/ledger.php.
type ledger struct {
	done       []string // ids of the calls that ended
	unfinished []string // of those that a worker was killed in
	refused    map[string]bool
	late       map[string]bool   // by id of a large profile, whose encoding may have been given up
	pending    map[string]string // by id of what was still to be written then: who had it
	took       times             // sorted
	held       times             // sorted, too: that less the waiting for a CPU
}

func (s scene) ledger(t *testing.T) ledger {
	t.Helper()
	l := ledger{refused: map[string]bool{}, late: map[string]bool{}, pending: map[string]string{}}
	files, err := filepath.Glob(s.dir + "/ledger/*")
	check(t, err)
	for _, path := range files {
		text, err := os.ReadFile(path)
		check(t, err)
		begun, size := "", 0
		for line := range strings.Lines(string(text)) {
			fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 6)
			switch {
			case fields[0] == "begin" && len(fields) == 3:
				l.abandon(begun)
				begun = fields[1]
				size, err = strconv.Atoi(fields[2])
				check(t, err)
			case fields[0] == "end" && len(fields) == 6 && fields[1] == begun:
				l.end(t, filepath.Base(path), fields)
				l.late[begun] = size > limit && l.took[len(l.took)-1] >= encodingEnds
				begun = ""
			default:
				t.Errorf("%s: %q", path, line)
			}
		}
		l.abandon(begun)
	}
	slices.Sort(l.took)
	slices.Sort(l.held)
	return l
}

// abandon takes a call into account that had begun when the next one of that
// process number did, or nothing more.
func (l *ledger) abandon(id string) {
	if id != "" {
		l.unfinished = append(l.unfinished, id)
	}
}

func (l *ledger) end(t *testing.T, pid string, fields []string) {
	t.Helper()
	id, sent, words := fields[1], fields[2], fields[5]
	took, err := time.ParseDuration(fields[3] + "us")
	check(t, err)
	waited, err := time.ParseDuration(fields[4] + "us")
	check(t, err)
	l.done, l.took, l.held = append(l.done, id), append(l.took, took), append(l.held, took-waited)
	switch {
	case sent == "1", strings.Contains(words, "the profile is in "):
	case words == "", strings.HasPrefix(words, "the library's Go part did not start"): // in plain PHP
	case strings.HasPrefix(words, "the disk is slow"), strings.HasPrefix(words, "time is up"):
		l.pending[id] = pid
	default:
		t.Logf("refused: %s", words)
		l.refused[id] = true
	}
}

// account says where the profiles are. If a worker was killed during a call, or after a call whose write had not ended,
// the profile may be missing; if it is there, it is whole, and there once. kills is how often that can have happened,
// killed are the workers.
func (l *ledger) account(t *testing.T, atListener, inBuffer map[string]int, kills int, killed map[string]bool) figures {
	t.Helper()
	var sent []string
	somewhere := func(id string) bool { return atListener[id]+inBuffer[id] > 0 }
	gone := 0
	for _, id := range l.done {
		if killed[l.pending[id]] && !somewhere(id) {
			gone++
		} else {
			sent = append(sent, id)
		}
	}
	for _, id := range l.unfinished {
		if somewhere(id) {
			sent = append(sent, id)
		}
	}
	t.Logf("%d calls ended; of %d others, whose workers were killed, %d profiles arrived; %d were pending then and are gone",
		len(l.done), len(l.unfinished), len(sent)+gone-len(l.done), gone)
	if len(l.unfinished) > kills {
		t.Errorf("%d calls did not end, and %d workers were killed", len(l.unfinished), kills)
	}
	for _, id := range sent {
		if l.late[id] && !somewhere(id) {
			l.refused[id] = true
		}
	}
	f := account(t, sent, atListener, inBuffer, l.refused)
	f.worst = l.held.worst()
	return f
}
