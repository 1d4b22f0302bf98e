"""The one door for writes: permission → validation → before-hooks → SQL, in one transaction."""
