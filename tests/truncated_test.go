package tests

import (
	"bytes"
	"crypto/rand"
	"os"
	"testing"
)

// A process of the same user may do anything to the file of the shared counters. No process dies of it, every
// profile arrives, and transmit_stats stays JSON with possible numbers.
func TestStats_DamagedFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(path string, size int64) error
		pool   bool
	}{
		{"truncated to nothing", func(path string, _ int64) error { return os.Truncate(path, 0) }, false},
		{"truncated to a byte", func(path string, _ int64) error { return os.Truncate(path, 1) }, true},
		{"truncated to a page", func(path string, _ int64) error { return os.Truncate(path, 4096) }, true},
		{"a byte shorter", func(path string, size int64) error { return os.Truncate(path, size-1) }, true},
		{"truncated, then as long as before", func(path string, size int64) error {
			check(t, os.Truncate(path, 0))
			return os.Truncate(path, size)
		}, true},
		{"longer", func(path string, size int64) error { return os.Truncate(path, 2*size) }, true},
		{"removed", func(path string, _ int64) error { return os.Remove(path) }, true},
		{"zeros", func(path string, size int64) error { return overwrite(path, make([]byte, size)) }, true},
		{"ones", func(path string, size int64) error {
			return overwrite(path, bytes.Repeat([]byte{0xff}, int(size)))
		}, true},
		{"noise", func(path string, size int64) error {
			noise := make([]byte, size)
			rand.Read(noise)
			return overwrite(path, noise)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := poolFile(t)
			s := newScene(t)
			l := listen(t, s.socket)
			d := ordinaryDriver(t, s)
			d.configure(s.settings(nil))
			d.load([]byte(`{"a":1}`))
			d.sends(3, flagTrusted, "-")
			info, err := os.Stat(path)
			check(t, err)
			check(t, c.damage(path, info.Size()))
			d.sends(3, flagTrusted, "-") // without Go
			d.sends(3, 0, "-")           // with Go
			d.sends(1, flagToDisk, "-")
			l.await(9)
			if got := d.stats(); got.Pool != nil && !c.pool || got.Process.PID != d.pid() {
				t.Errorf("%+v", got)
			}
			if ordinary := ordinaryDriver(t, s).stats(); ordinary.Pool == nil && ordinary.PoolError == "" {
				t.Errorf("the next process: %+v", ordinary)
			}
		})
	}
}

// overwrite keeps the file, which others have mapped.
func overwrite(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(data)
	return err
}
