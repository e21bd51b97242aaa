package dynamodb

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	// inside is the folder of the package that is wanted.
	inside = "package/emulator/"
	// unpackedMax bounds what a tarball may unpack to; the real one unpacks to 65 MB.
	unpackedMax = 256 << 20
)

// unpack writes the regular files of the tarball's emulator folder below dir. The digest has been checked, and still
// nothing can be written elsewhere: os.Root refuses paths that leave it, and links are refused as such.
func unpack(tarball, dir string) error {
	file, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return unpackInto(root, tar.NewReader(plain))
}

func unpackInto(root *os.Root, archive *tar.Reader) error {
	left := int64(unpackedMax)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		name, wanted := strings.CutPrefix(header.Name, inside)
		if !wanted || header.Typeflag == tar.TypeDir {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("unpack: %s is neither a file nor a folder", header.Name)
		}
		if left -= header.Size; left < 0 {
			return fmt.Errorf("unpack: more than %d bytes", int64(unpackedMax))
		}
		if err := writeFile(root, name, archive); err != nil {
			return fmt.Errorf("unpack %s: %w", header.Name, err)
		}
	}
}

func writeFile(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
