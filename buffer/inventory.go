package buffer

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// An inventory knows this many profiles by name, at about 100 bytes each: the
// sixteenth part within these bounds. Finding them costs a scan of all, so the
// share, not the number, makes the cost of an eviction.
const (
	minOldest = 1 << 10
	maxOldest = 1 << 14
)

func oldestOf(files int64) int {
	return int(min(max(files/16, minOldest), maxOldest))
}

// profile is one file of the buffer.
type profile struct {
	name  string
	size  int64
	mtime int64 // nanoseconds since 1970
}

func byAge(a, b profile) int {
	return cmp.Or(cmp.Compare(a.mtime, b.mtime), strings.Compare(a.name, b.name))
}

// inventory is how much is in the directory, and which profiles go first.
type inventory struct {
	room         int // for oldest
	files, bytes int64
	oldest       []profile // oldest first; all there are if there are as many as files
}

// found counts a profile that a scan came upon, in any order. The first
// v.room of oldest are in order once there are as many. Only what is kept of a
// large directory is allocated.
func (v *inventory) found(name []byte, size, mtime int64) {
	v.files++
	v.bytes = sum(v.bytes, size)
	if len(v.oldest) >= v.room && mtime > v.oldest[v.room-1].mtime {
		return
	}
	v.oldest = append(v.oldest, profile{string(name), size, mtime})
	if n := len(v.oldest); n == v.room || n == 2*v.room {
		v.sort()
	}
}

func (v *inventory) sort() {
	slices.SortFunc(v.oldest, byAge)
	v.oldest = v.oldest[:min(len(v.oldest), v.room)]
}

// add counts a profile that is newer than all others.
func (v *inventory) add(p profile) {
	if v.complete() && len(v.oldest) < v.room {
		v.oldest = append(v.oldest, p)
	}
	v.files++
	v.bytes = sum(v.bytes, p.size)
}

func (v *inventory) complete() bool { return int64(len(v.oldest)) == v.files }

// runningOut is when to look for the next oldest: early, as that takes time.
func (v *inventory) runningOut() bool {
	return !v.complete() && len(v.oldest) <= v.room/2
}

// takeOldest counts the oldest profile out and returns it.
func (v *inventory) takeOldest() profile {
	p := v.oldest[0]
	v.oldest = v.oldest[1:]
	v.files--
	v.bytes = max(0, v.bytes-p.size)
	return p
}

// sum is at most the largest number there is: a sparse file may claim 8 EiB.
func sum(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }
