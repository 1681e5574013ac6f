package ipc

import "noo/formats/arrow/internal/flat"

// WordsSchema returns the message of a schema with one column, whose texts are in a dictionary with
// the id 0 and indices of one byte. The schema has these metadata.
func WordsSchema(column string, metadata ...KeyValue) (*Message, error) {
	var b flat.Builder
	b.Start()
	message := b.Table(0, flat.Field{Number: 3, Size: 8}, flat.Offset(2),
		flat.Field{Number: 0, Size: 2, Value: version5},
		flat.Field{Number: 1, Size: 1, Value: uint64(SchemaMessage)})
	parts := []flat.Field{flat.Offset(1)}
	if len(metadata) > 0 {
		parts = append(parts, flat.Offset(2))
	}
	schema := b.Table(message[1], parts...)
	b.Vector(schema[0], 1, 4)
	first := len(b.Bytes)
	b.Bytes = append(b.Bytes, 0, 0, 0, 0)
	field := b.Table(first, flat.Offset(0), flat.Offset(3), flat.Offset(4), flat.Offset(5),
		flat.Field{Number: 2, Size: 1, Value: uint64(TypeUtf8)})
	b.Text(field[0], []byte(column))
	b.Table(field[1])
	encoding := b.Table(field[2], flat.Field{Number: 0, Size: 8}, flat.Offset(1))
	b.Table(
		encoding[1],
		flat.Field{Number: 0, Size: 4, Value: 8},
		flat.Field{Number: 1, Size: 1, Value: 1},
	)
	b.Vector(field[3], 0, 4)
	if len(metadata) > 0 {
		b.Vector(schema[1], len(metadata), 4)
		entries := len(b.Bytes)
		b.Bytes = append(b.Bytes, make([]byte, 4*len(metadata))...)
		for i, entry := range metadata {
			pair := b.Table(entries+4*i, flat.Offset(0), flat.Offset(1))
			b.Text(pair[0], []byte(entry.Key))
			b.Text(pair[1], []byte(entry.Value))
		}
	}
	b.Align(8)
	m := &Message{Header: b.Bytes}
	return m, (&Reader{end: -1}).parse(m)
}
