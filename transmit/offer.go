package transmit

import (
	"errors"
	"fmt"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// errNotAsked means that the caller wanted the profile on disk.
var errNotAsked = errors.New("listener not asked")

// offer sends the document to the listener, before the socket's deadline.
//
//	document                            setting oversize   what is sent
//	fits                                any                the document
//	fits, but the kernel refuses it     any                as if it were too large
//	too large                           "shrink"           the shrunk document, if that fits
//	too large, nothing to remove        "shrink"           nothing
//	too large, no time to shrink it     "shrink"           nothing
//	too large                           "buffer"           nothing
//	too large                           "memfd"            a memfd of the document
//
// rest is what to write to disk; unsent, why the listener did not take it; err is fatal.
func (t *Transmitter) offer(doc *document, out pieces, r SendRequest, s *settings) (rest pieces, unsent, err error) {
	unsent = s.refuses(out)
	if unsent == nil {
		unsent = t.ask(doc, out, r, s)
	}
	if !errors.Is(unsent, socket.ErrTooLarge) {
		return out, unsent, nil
	}
	switch s.oversize {
	case toMemfd:
		unsent = t.askSealed(doc, out, r, s)
	case shrink:
		smaller, err := doc.shrink(s.maxDatagram)
		if errors.Is(err, profile.ErrTimeUp) {
			return out, fmt.Errorf("%w: %d bytes, and no time to shrink it", socket.ErrTooLarge, out.size()), nil
		}
		if err != nil {
			return nil, nil, err
		}
		if smaller == nil {
			break
		}
		count(Shrunk)
		out = smaller
		if unsent = s.refuses(out); unsent == nil {
			unsent = t.ask(doc, out, r, s)
		}
	}
	return out, unsent, nil
}

// refuses returns why the document is larger than the settings allow, or nil.
func (s *settings) refuses(out pieces) error {
	if size := out.size(); size > s.maxDatagram {
		return fmt.Errorf("%w: %d bytes, max_datagram_size is %d", socket.ErrTooLarge, size, s.maxDatagram)
	}
	return nil
}

// ask sends a document that fits.
func (t *Transmitter) ask(doc *document, out pieces, r SendRequest, s *settings) error {
	if r.ToDisk {
		return errNotAsked
	}
	l := t.listeners.find(r.Socket, s.listener)
	defer t.release(l)
	return l.send(out, doc.socketDeadline)
}

// askSealed sends a document as a memfd.
func (t *Transmitter) askSealed(doc *document, out pieces, r SendRequest, s *settings) error {
	if r.ToDisk {
		return errNotAsked
	}
	l := t.listeners.find(r.Socket, s.listener)
	defer t.release(l)
	t.writer.countGarbage()
	return l.sendSealed(out, doc.shrinkLimit(), doc.socketDeadline)
}

func (t *Transmitter) release(l *listener) {
	if l.once {
		t.writer.countGarbage()
	}
	l.release()
}
