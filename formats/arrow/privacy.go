package arrow

// What a schema and metadata say beside the data, and what no record can be removed from: it is
// passed on as it is. Where it holds a person's number, or is known to hold values of columns, the
// input is refused: an output would tell of the people who were removed.

import (
	"bytes"
	"encoding/base64"

	"noo/formats/arrow/internal/ipc"
	"noo/formats/internal/privacy"
)

// tellsOfPeople returns an error if the schema or the footer does.
func (d *dataset) tellsOfPeople() error {
	for _, f := range d.schema.Schema.Fields {
		if err := fieldTells(f); err != nil {
			return err
		}
	}
	if err := metadataTells(d.schema.Schema.Metadata); err != nil {
		return err
	}
	if err := metadataTells(d.schema.Metadata); err != nil {
		return err
	}
	if privacy.HoldsNumber(d.schema.Header) {
		return ipc.Unsupported(
			"an NHS number in the schema, which stays when records are removed (write the file without it)",
		)
	}
	if d.footer == nil {
		return nil
	}
	return metadataTells(d.footer.Metadata)
}

// fieldTells looks at a field and those below it.
func fieldTells(f *ipc.Field) error {
	if privacy.IsNumber(f.Name) {
		return ipc.Unsupported(
			"a column that is called by an NHS number, which stays when records are removed (give it another name)",
		)
	}
	if err := metadataTells(f.Metadata); err != nil {
		return err
	}
	if f.Dictionary != nil {
		return fieldTells(f.Dictionary.Values)
	}
	for _, child := range f.Children {
		if err := fieldTells(child); err != nil {
			return err
		}
	}
	return nil
}

// metadataTells looks at custom metadata.
func metadataTells(pairs []ipc.KeyValue) error {
	for _, pair := range pairs {
		for _, text := range [][]byte{[]byte(pair.Key), []byte(pair.Value)} {
			// As Arrow stores its schema elsewhere.
			if decoded, err := base64.StdEncoding.AppendDecode(nil, text); err == nil {
				if privacy.HoldsNumber(decoded) {
					return errNumberInMetadata
				}
			}
			switch {
			case bytes.Contains(text, []byte(privacy.PolarsEnum)):
				return ipc.Unsupported(
					"an Enum of Polars: the metadata holds its values, in use or not (cast it to String or Categorical)",
				)
			case privacy.HoldsNumber(text):
				return errNumberInMetadata
			}
		}
	}
	return nil
}

var errNumberInMetadata = ipc.Unsupported(
	"what may be an NHS number in the metadata, which stays when records are removed (write the file without it)",
)
