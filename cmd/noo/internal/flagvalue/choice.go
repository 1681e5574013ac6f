package flagvalue

import (
	"errors"
	"slices"
)

// Choice is a flag that is one of several words, each of which stands for a value of type T.
type Choice[T comparable] struct {
	kind  string
	to    *T
	words []Word[T]
	more  []Word[T] // accepted, and not listed
	unset string
}

// Word is one word of a Choice and the value that it stands for.
type Word[T comparable] struct {
	Text  string
	Value T
}

// NewChoice returns a flag that sets *to. Its help calls the value kind, such as HOW.
func NewChoice[T comparable](kind string, to *T, words ...Word[T]) *Choice[T] {
	return &Choice[T]{kind: kind, to: to, words: words}
}

// Default sets the words for what applies as long as *to is none of the choices.
func (c *Choice[T]) Default(words string) *Choice[T] {
	c.unset = words
	return c
}

// Accept makes the flag accept a word that it does not list: the command refuses it with a reason.
func (c *Choice[T]) Accept(word Word[T]) *Choice[T] {
	c.more = append(c.more, word)
	return c
}

// Set sets the value that text stands for. The error lists the choices.
func (c *Choice[T]) Set(text string) error {
	for _, word := range slices.Concat(c.words, c.more) {
		if word.Text == text {
			*c.to = word.Value
			return nil
		}
	}
	return errors.New("want " + Words(c.Choices()))
}

// String returns the word for the value, or "" if it is none of the choices.
func (c *Choice[T]) String() string {
	if c.to == nil {
		return ""
	}
	for _, word := range slices.Concat(c.words, c.more) {
		if word.Value == *c.to {
			return word.Text
		}
	}
	return ""
}

// Type returns what help calls the value.
func (c *Choice[T]) Type() string { return c.kind }

// Choices returns the words in the order in which they were given.
func (c *Choice[T]) Choices() []string {
	var texts []string
	for _, word := range c.words {
		texts = append(texts, word.Text)
	}
	return texts
}

// Unset returns the words for what applies where the flag is not set.
func (c *Choice[T]) Unset() string { return c.unset }
