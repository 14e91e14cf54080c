"""The Gemini API's wire: `generateContent` and its relatives (spec: gemini.md sections 0-2, 6)."""
