package listener

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lookPause is between two looks at the file at the listener's path.
const lookPause = time.Second

// binding is the file to which a socket was connected. A socket stays with its peer also when another
// listener has been bound to the path.
type binding struct {
	path string
	file fileID
	next atomic.Int64 // when to look again, since start
}

// fileID tells a file from another, also where a file system uses inode numbers again. Its zero value is no file.
type fileID struct {
	dev, ino uint64
	made     unix.Timespec // its time of modification: nobody writes to a socket's file
}

var start = time.Now()

func fileAt(path string) (fileID, error) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return fileID{uint64(stat.Dev), stat.Ino, stat.Mtim}, err
}

// bindingOf is to be called before the connect: what is bound in between, the next look finds.
func bindingOf(path string) *binding {
	b := &binding{path: path}
	b.file, _ = fileAt(path)
	b.next.Store(int64(time.Since(start) + lookPause))
	return b
}

// isStillThere looks every second, in one thread, for the file system may hang. Where the host may not look any more
// (it has given up privileges), the peer is as it was.
func (b *binding) isStillThere() bool {
	now, next := int64(time.Since(start)), b.next.Load()
	if now < next || !b.next.CompareAndSwap(next, now+int64(lookPause)) {
		return true
	}
	file, err := fileAt(b.path)
	if file == b.file || err != nil && err != unix.ENOENT && err != unix.ENOTDIR {
		return true
	}
	b.next.Store(0)
	return false
}
