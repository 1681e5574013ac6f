package meta

// What a footer says beside the data, and what no record can be removed from: names of columns, and
// key-value metadata, which is passed on as it is. Where it holds a person's number, or is known to
// hold values of columns, the file is refused: an output would tell of the people who were removed.

import (
	"bytes"
	"encoding/base64"

	"noo/formats/internal/privacy"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// TellsOfPeople returns an error if the footer does.
func (f *Footer) TellsOfPeople() error {
	for i := range f.Leaves {
		for _, name := range f.Leaves[i].Path {
			if privacy.IsNumber(name) {
				return spec.Unsupported(
					"a column that is called by an NHS number, which stays when records are removed (give it another name)",
				)
			}
		}
	}
	if privacy.HoldsNumber(f.Schema) {
		return spec.Unsupported(
			"an NHS number in the schema, which stays when records are removed (write the file without it)",
		)
	}
	if err := metadataTells(f.KeyValues); err != nil {
		return err
	}
	for g := range f.RowGroups {
		for c := range f.RowGroups[g].Chunks {
			if err := metadataTells(f.RowGroups[g].Chunks[c].KeyValues); err != nil {
				return spec.At(spec.Part(g, f.Leaves[c].Name), err)
			}
		}
	}
	return nil
}

// metadataTells looks at a list of KeyValue (parquet.thrift).
func metadataTells(list []byte) error {
	if len(list) == 0 {
		return nil
	}
	if privacy.HoldsNumber(list) {
		return errNumberInMetadata
	}
	r := thrift.NewReader(list)
	_, n := r.List(thrift.List)
	for i := 0; i < n && r.Err() == nil; i++ {
		for field := (thrift.Field{}); r.Next(&field); {
			if field.Type != thrift.Binary {
				r.Skip(field.Type)
				continue
			}
			text := r.Bytes(field.Type)
			// As Arrow stores its schema.
			if decoded, err := base64.StdEncoding.AppendDecode(nil, text); err == nil {
				text = decoded
			}
			switch {
			case bytes.Contains(text, []byte(privacy.PolarsEnum)):
				return spec.Unsupported(
					"an Enum of Polars: the metadata holds its values, in use or not (cast it to String or Categorical)",
				)
			case privacy.HoldsNumber(text):
				return errNumberInMetadata
			}
		}
	}
	if err := r.Err(); err != nil {
		return spec.Corrupt("its key-value metadata cannot be read: %v", err)
	}
	return nil
}

var errNumberInMetadata = spec.Unsupported(
	"what may be an NHS number in the key-value metadata, which stays when records are removed (write the file without it)",
)
