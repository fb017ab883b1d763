from django.db import migrations

from messaging.default_templates import DEFAULT_TEMPLATES


def add(apps, schema_editor):
    template = apps.get_model("messaging", "MessageTemplate")
    for (key, language), body in DEFAULT_TEMPLATES.items():
        template.objects.get_or_create(key=key, language=language, clinic=None, defaults={"body": body})


class Migration(migrations.Migration):
    """The texts that come with the site, for all clinics that have none of their own."""

    dependencies = [("messaging", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
