package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The names of the files that the processes of one user share, here and in plain PHP. They are in a directory of that
// user's own. In a directory that all users can write to, another user may take any name, but cannot create a directory
// that this user owns.
const (
	stateForm    = ".transmit-state-%d"
	listenerForm = "listener-%04x"
	replayForm   = ".transmit-replay-%04x-%d" // locks, by the listener's number and the user
	scanLockForm = ".transmit-keeper-%04x-%d"

	maxListener = 1000 // bytes of a path that are stored; a socket's path has at most 107

	oldClaimForm = ".transmit-sending-%d" // of version 1.0, beside the profiles
)

var errNoTag = errors.New("too many listeners")

// findState creates the user's own directory if it is missing. If another user has taken its first name, it gets a longer
// one. All processes use the smallest of these names.
func (d *directory) findState() error {
	// If the host changes its user just now, the new directory is not recognized as ours, and stays empty.
	first := fmt.Sprintf(stateForm, unix.Geteuid())
	d.state = ""
	err := d.makeOwn(first)
	if err == nil {
		d.state = first
	}
	if err != unix.EEXIST {
		return err
	}
	if d.state = d.smallestOwn(first + "-"); d.state != "" {
		return nil
	}
	if err := d.makeOwn(fmt.Sprintf("%s-%016x", first, rand.Uint64())); err != nil {
		return err
	}
	// Another process of this user may have created one at the same time.
	d.state = d.smallestOwn(first + "-")
	return nil
}

// inState returns the path of a name in the user's own directory, or "" if there is no such directory. No file has the
// path "".
func (d *directory) inState(name string) string {
	if d.state == "" {
		return ""
	}
	return d.state + "/" + name
}

func (d *directory) lockName(form string, t *tags) string {
	return d.inState(fmt.Sprintf(form, t.own, unix.Geteuid()))
}

// makeOwn creates a directory. It also returns nil if this user owns a directory of that name already.
func (d *directory) makeOwn(name string) error {
	err := unix.Mkdirat(d.FD, name, 0o700)
	if err == unix.EEXIST && d.isOwnDirectory(name) {
		return nil
	}
	return err
}

func (d *directory) isOwnDirectory(name string) bool {
	var status unix.Stat_t
	err := unix.Fstatat(d.FD, name, &status, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && status.Mode&unix.S_IFMT == unix.S_IFDIR && status.Mode&0o022 == 0 &&
		status.Uid == uint32(unix.Geteuid())
}

func (d *directory) smallestOwn(prefix string) (smallest string) {
	_ = d.eachName(".", func(name []byte) {
		if bytes.HasPrefix(name, []byte(prefix)) && (smallest == "" || string(name) < smallest) && d.isOwnDirectory(string(name)) {
			smallest = string(name)
		}
	})
	return smallest
}

// eachName calls look with each name in one of its directories.
func (d *directory) eachName(of string, look func(name []byte)) error {
	fd, err := openat(d.FD, of, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	block := make([]byte, blockSize)
	for {
		n, err := unix.Getdents(fd, block)
		if n <= 0 || err != nil {
			return err
		}
		eachEntry(block[:n], look)
	}
}

// tags tell which listener a profile is for, by the first four hexadecimal digits of its name. Each listener has a number
// in a directory: a hash of its path, or the next free number. A file in the user's own directory, named after the
// number, holds the path. So two paths never share a number.
//
// If no listener has a profile's number, an older version or another program wrote it.
type tags struct {
	all   bool // no listener is named: all profiles count
	own   uint16
	taken map[uint16]bool // the numbers of all listeners, this one included; nil: not known

	dev, ino uint64 // of the user's own directory when the tags were read
	mtime    unix.Timespec
}

// counts tells whether a profile counts towards this listener's limits: not if it is for another listener.
func (t *tags) counts(tag uint16) bool {
	return t.all || tag == t.own || t.taken != nil && !t.taken[tag]
}

// mayBeSent tells whether a replay may send the profile to this listener.
func (t *tags) mayBeSent(tag uint16) bool {
	return t.all || tag == t.own || t.isAlone() && !t.taken[tag]
}

// isAlone tells whether no other listener has a number here. Then a profile without a listener can only be for this one.
func (t *tags) isAlone() bool { return t.all || len(t.taken) <= 1 }

// newNames returns names for a profile for this listener, one at each call. A second has only 65,536 names for a listener,
// so each further name is of the next second.
func (t *tags) newNames(at time.Time) func() string {
	return func() string {
		digits := rand.Uint32()
		if !t.all {
			digits = uint32(t.own)<<16 | digits&0xffff
		}
		name := profileName(at, digits)
		at = at.Add(time.Second)
		return name
	}
}

// tagIn returns the tag in a profile's name.
func tagIn(name []byte) uint16 {
	digits := name[len(name)-len("xxxxxxxx.json"):]
	tag, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return uint16(tag)
}

// isCurrent tells whether the user's own directory is unchanged since t was read. If not, another listener may have the
// number by now.
func (d *directory) isCurrent(t *tags) bool {
	var status unix.Stat_t
	err := unix.Fstatat(d.FD, d.state, &status, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && status.Dev == t.dev && status.Ino == t.ino && status.Mtim == t.mtime
}

func hashOf(listener string) uint16 { return uint16(crc32.ChecksumIEEE([]byte(listener))) }

// readTags finds the numbers of all listeners. After an error, own is the number that the listener most likely has, and
// no other listener's as far as these are known.
func (d *directory) readTags(listener string) (*tags, error) {
	listener = listener[:min(len(listener), maxListener)]
	t := &tags{all: listener == "", own: hashOf(listener)}
	if err := d.findState(); err != nil {
		return t, d.failure("make a directory", err)
	}
	own, numbering := t.own, error(nil)
	if !t.all {
		own, numbering = d.tagOf(listener)
	}
	var status unix.Stat_t
	if err := unix.Fstatat(d.FD, d.state, &status, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return t, d.failure("look at "+d.state, err)
	}
	taken, err := d.numbers()
	if err != nil {
		return t, d.failure("read "+d.state, err)
	}
	t.taken = taken
	if numbering != nil {
		t.avoidOthers()
		return t, numbering
	}
	t.own, t.dev, t.ino, t.mtime = own, status.Dev, status.Ino, status.Mtim
	return t, nil
}

// numbers returns those that listeners have.
func (d *directory) numbers() (map[uint16]bool, error) {
	taken := map[uint16]bool{}
	err := d.eachName(d.state, func(name []byte) {
		var tag uint16
		if n, _ := fmt.Sscanf(string(name), listenerForm, &tag); n == 1 {
			taken[tag] = true
		}
	})
	return taken, err
}

// avoidOthers chooses a number that no other listener has, for a listener that could get none of its own.
func (t *tags) avoidOthers() {
	for n := 0; t.taken[t.own] && n < math.MaxUint16; n++ {
		t.own++
	}
}

// tagOf returns the listener's number. A listener without a number gets one.
func (d *directory) tagOf(listener string) (uint16, error) {
	first := hashOf(listener)
	for n := range uint16(256) {
		name := d.inState(fmt.Sprintf(listenerForm, first+n))
		holder, err := d.holder(name)
		if err == unix.ENOENT {
			if err = d.take(name, listener); err == unix.EEXIST {
				holder, err = d.holder(name)
			} else if err == nil {
				holder = listener
			}
		}
		if err != nil {
			return 0, d.failure("read "+name, err)
		}
		if holder == listener {
			return first + n, nil
		}
	}
	return 0, d.failure("number "+listener, errNoTag)
}

// holder returns the listener that has a number. A file that a power failure has emptied counts as missing.
func (d *directory) holder(name string) (string, error) {
	fd, err := openat(d.FD, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var text [unix.PathMax]byte
	n, err := unix.Read(fd, text[:])
	if err != nil {
		return "", err
	}
	if path := strings.Trim(string(text[:n]), "\x00"); path != "" {
		return path, nil
	}
	d.remove(name)
	return "", unix.ENOENT
}

func (d *directory) take(name, listener string) error {
	temp, err := d.create([]byte(listener))
	if err != nil {
		return err
	}
	if err = d.move(temp, name); err != nil {
		d.remove(temp)
	}
	return err
}
