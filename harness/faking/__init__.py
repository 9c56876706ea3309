"""What made-up data is made of: phrases, documents, function tools and arguments. Faker itself is not needed here."""
