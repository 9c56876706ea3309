"""The sources of made-up data: phrases, documents, function tools and arguments. Nothing here imports Faker."""
