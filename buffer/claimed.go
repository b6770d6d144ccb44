package buffer

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// A replay claims a profile by renaming it into the user's own directory (state.go). No reader looks there, so no two
// programs send the same profile.

// claimedPath is where a profile is while it is sent.
func (d *directory) claimedPath(name string) string { return d.inState(name) }

// has tells whether the name leads to that file.
func (d *directory) has(name string, file *descriptor.File) bool {
	var named unix.Stat_t
	err := unix.Fstatat(d.FD, name, &named, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && file.Is(&named)
}

// recoverClaimed moves back the profiles that a dead process had claimed. It does nothing while a process replays.
func (d *directory) recoverClaimed(t *tags) {
	if len(d.claimed(t)) == 0 {
		return
	}
	if l, err := d.lock(d.lockName(replayForm, t)); err == nil {
		d.restoreClaimed(t)
		l.release()
	}
}

// restoreClaimed moves claimed profiles back. Call it while holding the lock of the replay. A profile keeps its name, and
// so its age, if the name is free.
func (d *directory) restoreClaimed(t *tags) {
	for _, claimed := range d.claimed(t) {
		var status unix.Stat_t
		err := unix.Fstatat(d.FD, claimed, &status, unix.AT_SYMLINK_NOFOLLOW)
		if err != nil || !isOwn(&status) {
			continue
		}
		file := descriptor.Of(-1, &status)
		name, inState := strings.CutPrefix(claimed, d.state+"/")
		switch {
		case status.Nlink == 2 && inState && (d.has(name, &file) || d.has(badPrefix+name, &file)):
			d.remove(claimed) // a process was killed in moveByLink
		case status.Nlink != 1:
		case !inState || d.move(claimed, name) == unix.EEXIST:
			// Not by link: a kill would leave two names that nothing connects.
			_, _ = firstFree(t.newNames(time.Unix(status.Mtim.Unix())), func(name string) error {
				return d.moveIfFree(claimed, name)
			})
		}
	}
}

// claimed lists the claimed profiles of this listener, and one that version 1.0 may have left.
func (d *directory) claimed(t *tags) (paths []string) {
	_ = d.eachName(d.state, func(name []byte) {
		if hasForm(name, profileForm) && t.mayBeSent(tagIn(name)) {
			paths = append(paths, d.claimedPath(string(name)))
		}
	})
	old := fmt.Sprintf(oldClaimForm, unix.Geteuid())
	var status unix.Stat_t
	if t.isAlone() && unix.Fstatat(d.FD, old, &status, unix.AT_SYMLINK_NOFOLLOW) == nil {
		paths = append(paths, old)
	}
	return paths
}
