package buffer

import "golang.org/x/sys/unix"

// A process that is killed in moveByLink leaves a file with two names: a temporary one, and that of a profile. A scan that
// finds both removes the temporary one, and counts the profile.
//
// While a profile is being written, another user could link its temporary file to the name of a profile. So in a directory
// in which others can create names, a pair must be as old as debris.
type pair struct {
	temp, profile string
	size, mtime   int64
}

type fileID struct{ dev, ino uint64 }

// addToPair notes one of the two names of a file.
func (s *scan) addToPair(name []byte, isTemp bool, status *unix.Stat_t) {
	id := fileID{status.Dev, status.Ino}
	p := s.pairs[id]
	if p == nil {
		if len(s.pairs) >= maxDebris {
			return
		}
		p = &pair{size: status.Size, mtime: status.Mtim.Nano()}
		s.pairs[id] = p
	}
	if isTemp {
		p.temp = string(name)
	} else {
		p.profile = string(name)
	}
}

func (s *scan) mendPairs() {
	for _, p := range s.pairs {
		switch {
		case p.temp == "":
		case p.profile == "":
			s.addDebris(p.temp, p.mtime)
		default:
			s.dir.remove(p.temp)
			s.count([]byte(p.profile), p.size, p.mtime)
		}
	}
}
