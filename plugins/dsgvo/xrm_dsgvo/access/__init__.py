"""What somebody who asks is told of themselves: access (Article 15) and portability (Article 20)."""
