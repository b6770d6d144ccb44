package transmit

import (
	"errors"
	"fmt"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// errNotAsked is why the listener did not take what was meant for the disk.
var errNotAsked = errors.New("listener not asked")

// offer offers the document to the listener, for as long as leaves time for the disk.
//
//	document                          setting oversize   what is offered
//	fits                              any                it
//	fits, but the kernel refuses it   any                as one that is too large
//	too large                         "shrink"           it is cut; what is left, if it fits
//	too large, nothing to cut         "shrink"           nothing
//	too large, no time to cut         "shrink"           nothing
//	too large                         "buffer"           nothing
//	too large                         "memfd"            a memfd of it
//
// rest is what then is to be written to disk: the document, cut if it was. unsent is why
// the listener did not take it; err is fatal.
func (t *Transmitter) offer(doc *document, out pieces, r Request, s *settings) (rest pieces, unsent, err error) {
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
		smaller, err := doc.cut(s.maxDatagram)
		if errors.Is(err, profile.ErrTimeUp) {
			return out, fmt.Errorf("%w: %d bytes, and no time to cut them", socket.ErrTooLarge, out.size()), nil
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

// refuses returns why the document cannot be one datagram, whatever the kernel says.
func (s *settings) refuses(out pieces) error {
	if size := out.size(); size > s.maxDatagram {
		return fmt.Errorf("%w: %d bytes, max_datagram_size is %d", socket.ErrTooLarge, size, s.maxDatagram)
	}
	return nil
}

// ask sends what fits to the listener.
func (t *Transmitter) ask(doc *document, out pieces, r Request, s *settings) error {
	if r.ToDisk {
		return errNotAsked
	}
	l := t.listeners.find(r.Socket, s.listener)
	defer t.release(l)
	return l.send(out, doc.diskBy)
}

func (t *Transmitter) askSealed(doc *document, out pieces, r Request, s *settings) error {
	if r.ToDisk {
		return errNotAsked
	}
	l := t.listeners.find(r.Socket, s.listener)
	defer t.release(l)
	t.writer.countGarbage()
	return l.sendSealed(out, doc.cutLimit(), doc.diskBy)
}

func (t *Transmitter) release(l *listener) {
	if l.once {
		t.writer.countGarbage()
	}
	l.release()
}
