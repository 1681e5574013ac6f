package arrow

// The record batches of an input, one after the other, and its dictionaries: those of a stream come
// between the batches, those of a file are all read first, as its readers do.

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/ipc"
)

// held is a message with its body.
type held struct {
	message *ipc.Message
	body    []byte
}

// source gives the record batches of an input, and keeps its dictionaries.
type source struct {
	*dataset
	decoder *column.Decoder
	zip     ipc.Compressor
	ahead   []held // of a stream, to be given first
	keep    bool   // of a stream: what is read must be given again
	batches int    // of a file, how many have come
}

// newSource starts behind the schema.
func (d *dataset) newSource() (*source, error) {
	s := &source{dataset: d, ahead: d.ahead}
	if d.footer == nil {
		var err error
		s.decoder, err = d.newDecoder()
		return s, err
	}
	if d.dictionaries == nil {
		decoder, err := d.newDecoder()
		if err != nil {
			return nil, err
		}
		for _, block := range d.footer.Dictionaries {
			m, body, err := d.block(block, ipc.DictionaryMessage, nil)
			if err == nil {
				err = s.dictionary(decoder, m, body)
			}
			if err != nil {
				return nil, err
			}
		}
		d.dictionaries = decoder
	}
	s.decoder = d.dictionaries
	return s, nil
}

// dictionary takes a dictionary batch.
func (s *source) dictionary(decoder *column.Decoder, m *ipc.Message, body []byte) error {
	if err := metadataTells(m.Metadata); err != nil {
		return err
	}
	return decoder.Dictionary(m, body, &s.zip, s.footer != nil)
}

// next returns the next record batch with its body, which is in memory where that is enough. At the
// end it returns nil.
func (s *source) next(ctx context.Context, memory []byte) (m *ipc.Message, body []byte, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	if s.footer != nil {
		if s.batches == len(s.footer.Batches) {
			return nil, nil, nil
		}
		m, body, err = s.block(s.footer.Batches[s.batches], ipc.BatchMessage, memory)
		s.batches++
	} else {
		m, body, err = s.nextInStream(memory)
	}
	if err != nil || m == nil {
		return nil, nil, err
	}
	return m, body, metadataTells(m.Metadata)
}

// block returns the message of a file that a block names.
func (d *dataset) block(
	block ipc.Block,
	kind ipc.Kind,
	memory []byte,
) (*ipc.Message, []byte, error) {
	r := d.fileReader(block.Offset)
	m, err := r.Next()
	switch {
	case err != nil:
		return nil, nil, err
	case m.Kind != kind || m.Prefixed != block.Header || m.BodyLength != block.Body:
		return nil, nil, ErrFooter
	}
	body, err := d.body(r, m, memory)
	return m, body, err
}

// body reads the body of a message.
func (d *dataset) body(r *ipc.Reader, m *ipc.Message, memory []byte) ([]byte, error) {
	if limit := d.format.batchLimit(); m.BodyLength > limit {
		return nil, ipc.OverLimit("a batch", m.BodyLength, limit)
	}
	return r.Body(memory, m.BodyLength)
}

// nextInStream returns the next record batch of a stream, and takes the dictionaries before it.
func (s *source) nextInStream(memory []byte) (*ipc.Message, []byte, error) {
	for {
		m, body, err := s.message(memory)
		if err != nil {
			return nil, nil, err
		}
		switch m.Kind {
		case ipc.End:
			return nil, nil, nil
		case ipc.BatchMessage:
			return m, body, nil
		case ipc.DictionaryMessage:
			if err := s.dictionary(s.decoder, m, body); err != nil {
				return nil, nil, err
			}
		default:
			return nil, nil, ipc.Corrupt("it has a second schema")
		}
	}
}

// message returns the next message of a stream with its body: that of a batch in memory where it is
// enough.
func (s *source) message(memory []byte) (*ipc.Message, []byte, error) {
	if len(s.ahead) > 0 {
		first := s.ahead[0]
		s.ahead = s.ahead[1:]
		return first.message, first.body, nil
	}
	m, err := s.stream.Next()
	if err == ipc.ErrTruncated && m == nil {
		err = ErrNoEnd
	}
	if err != nil {
		return nil, nil, err
	}
	var body []byte
	switch {
	case m.Kind == ipc.End && s.format.StaysOpen:
	case m.Kind == ipc.End:
		err = s.stream.ExpectEnd()
	default:
		if m.Kind != ipc.BatchMessage || s.keep {
			memory = nil
		}
		body, err = s.body(s.stream, m, memory)
	}
	if err == nil && s.keep {
		s.dataset.ahead = append(s.dataset.ahead, held{m, body})
	}
	return m, body, err
}

// checkBlocks makes sure that whoever reads a file from its start to its end, and not by its
// footer,
// meets the same messages in the same order.
func (d *dataset) checkBlocks() error {
	byOffset := func(a, b ipc.Block) int { return cmp.Compare(a.Offset, b.Offset) }
	f := d.footer
	if !slices.IsSortedFunc(f.Dictionaries, byOffset) || !slices.IsSortedFunc(f.Batches, byOffset) {
		return ErrFooter
	}
	at := d.schema.Start + d.schema.Prefixed
	blocks := slices.Concat(f.Dictionaries, f.Batches)
	slices.SortFunc(blocks, byOffset)
	for _, block := range blocks {
		if block.Offset != at || block.Header <= 0 || block.Body < 0 ||
			block.Header > f.Start-at || block.Body > f.Start-at-block.Header {
			return ErrFooter
		}
		at += block.Header + block.Body
	}
	if at == f.Start {
		return nil // files of some writers have no mark at the end
	}
	m, err := d.fileReader(at).Next()
	if _, failed := errors.AsType[*ipc.MediumError](err); failed {
		return err
	}
	if err != nil || m.Kind != ipc.End || at+ipc.EndBytes != f.Start {
		return ErrFooter
	}
	return nil
}
